//! The contract of the stores: each rule is tried on a real PostgreSQL and on a real Neo4j.
//!
//! Neo4j's community edition has one database, so its tests run one after another and empty it first; without `TEST_NEO4J_URI` they
//! try nothing and say so.

mod context;
mod faults;
mod files;
mod races;
mod reading;
mod search;
mod support;
mod sync;
mod transfer;
mod trash;
mod upstream;
mod writing;

/// Makes a test for each store of each rule.
macro_rules! contract {
    ($($module:ident { $($rule:ident)* })*) => {
        mod postgres {
            $($(
                #[sqlx::test(migrations = "../../migrations/knowledgetree")]
                async fn $rule(pool: sqlx::PgPool) {
                    crate::$module::$rule(crate::support::postgres(pool).await).await;
                }
            )*)*
        }
        mod neo4j {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    if let Some((store, _turn)) = crate::support::neo4j().await {
                        crate::$module::$rule(store).await;
                    }
                }
            )*)*
        }
    };
}

contract! {
    reading {
        an_empty_store_has_its_root
        children_come_folders_first_then_by_name
        paths_are_matched_name_by_name
        breadcrumbs_lead_from_the_root
        a_listing_has_all_at_once
        the_folder_tree_has_folders_only
        clients_do_not_see_companies
        any_text_may_be_asked_for_as_an_id
    }
    writing {
        an_item_is_made_with_times_and_author
        no_item_comes_under_what_is_not_a_folder
        names_are_unique_among_siblings
        a_change_keeps_the_former_state
        a_change_of_nothing_changes_nothing
        a_second_editor_is_told
        the_root_changes_in_text_only
        protected_items_do_not_change
        a_move_takes_all_below_along
        no_folder_comes_into_itself
        moves_keep_names_unique
        a_copy_is_an_items_own
        trees_have_an_end
        links_are_found_from_their_targets
        a_former_state_comes_back
    }
    trash {
        what_is_deleted_is_gone_and_comes_back
        what_lost_its_folder_comes_back_under_the_root
        a_taken_name_keeps_it_in_the_trash
        protected_items_are_deleted_by_administrators_only
        purging_removes_files_and_history
        the_trash_is_emptied_by_age
    }
    files {
        a_file_belongs_to_its_item
        a_hash_is_free_when_no_file_has_it
    }
    context {
        tickets_and_companies_have_context
        the_material_is_what_stands_along_the_way
        the_material_stays_within_its_limit
        a_subtree_gives_its_articles
    }
    search {
        words_find_articles_best_first
        the_last_word_may_be_a_beginning
        mistakes_are_forgiven_only_where_nothing_fits
        parts_of_names_fill_up
        a_search_can_be_narrowed
        no_input_breaks_a_search
        files_are_found_by_what_is_in_them
    }
    sync {
        a_sync_makes_and_finds_again
        a_sync_leaves_peoples_items_alone
        what_is_gone_goes_to_the_trash_and_comes_back
        notes_of_people_in_it_are_not_removed_by_age
        folders_of_both_kinds_share_companies
        a_sync_that_names_nothing_is_refused
        companies_and_tickets_are_merged
        a_job_is_taken_once
    }
    transfer {
        an_export_has_what_people_wrote
        an_import_is_all_or_nothing
        an_import_makes_and_changes
        a_dump_loads_into_an_empty_store
        a_wiped_store_has_its_root_only
    }
    races {
        of_two_of_one_name_one_is_made
        two_moves_make_no_circle
        nothing_is_made_in_what_is_being_deleted
        of_two_editors_one_wins
        many_writers_leave_a_tree
        a_call_that_is_given_up_blocks_nobody
    }
}
