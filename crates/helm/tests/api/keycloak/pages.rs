//! The page of users.

use super::*;

impl World {
    async fn page(&self, path: &str) -> String {
        let answer =
            self.helm.client.get(path).header("accept", "text/html").bearer(self.token(Admin)).send().await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        answer.text()
    }
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn users_are_listed_searched_and_paged_in_the_address(pool: PgPool) {
    let world = World::new(pool).await;
    for n in 0..120 {
        let name = format!("n{n:03}");
        let user = json!({ "id": id(&name), "username": name, "firstName": "<b>Nora</b>", "enabled": n != 7,
            "email": format!("{name}@x.example"), "emailVerified": false });
        world.realm.lock().unwrap().users.insert(id(&name), user);
    }
    world.realm.lock().unwrap().members.insert((id("n000"), "billing".to_owned()));
    let first = world.page("/users").await;
    assert!(first.contains("122 users") && first.contains("Page 1 of 3"), "{first}");
    assert!(first.contains("&#60;b&#62;Nora") && !first.contains("<b>Nora"), "names are texts");
    assert!(first.contains("Disabled") && first.contains("not confirmed"));
    assert!(first.contains(&format!("data-edit=\"{}\"", id("n000"))) && first.contains(">billing</td>"));
    assert!(first.contains("/users?page=2\" rel=\"next\""));
    let searched = world.page("/users?search=n11&page=9").await;
    assert!(searched.contains("10 users match “n11”") && !searched.contains("rel=\"next\""), "{searched}");
    let off = world.page("/users?enabled=false").await;
    assert!(off.contains("1 user<") && off.contains("n007"));
    assert!(world.page("/users?search=zzz").await.contains("No user matches"));
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_page_tells_who_changed_what(pool: PgPool) {
    let world = World::new(pool).await;
    for n in 0..25 {
        let body = json!({ "email": format!("bo{n}@x.example") });
        assert_eq!(world.admin("PUT", "/users/{bo}", body).await.0, 200);
    }
    let page = world.page("/users").await;
    assert!(page.contains("email: bo23@x.example → bo24@x.example"), "{page}");
    assert!(page.contains("/logs/correlation/req-1") && page.contains("admin@example.test"));
    let older = page.split("href=\"/users?before=").nth(1).unwrap().split(['"', '#']).next().unwrap();
    let older = world.page(&format!("/users?before={older}")).await;
    assert!(older.contains("email: – → bo0@x.example") && older.contains("Newest changes"), "{older}");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn without_the_realm_the_page_says_so_and_shows_the_history(pool: PgPool) {
    let world = World::new(pool).await;
    assert_eq!(world.admin("PUT", "/users/{bo}", json!({ "firstName": "Bo" })).await.0, 200);
    let without = World::over(world.helm.state.pool.clone(), Shared::default(), None);
    let page = without.page("/users").await;
    assert!(page.contains("The users cannot be read") && page.contains("User changed"), "{page}");
}

#[sqlx::test(migrator = "hivematrix_helm::MIGRATOR")]
async fn the_page_is_for_administrators(pool: PgPool) {
    let world = World::new(pool).await;
    for path in ["/users", "/security"] {
        assert_eq!(world.helm.get_as(Technician, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}
