//! Settings that open what is closed by default.

use super::{Check, Facts, Subject};
use crate::domain::audit::Severity;

pub(super) fn compat_pages(facts: &Facts) -> Check {
    let subject = Subject {
        id: "compat_pages",
        title: "Pages of the original suite",
        why: "Their content security policy allows inline scripts, so that injected ones run too.",
        fix: "Take `\"pages\": \"compat\"` out of the registry once the service is replaced, then run `helm update-config`.",
    };
    match facts.compat_pages.as_slice() {
        [] => subject.ok("No service has the looser policy."),
        services => {
            subject.found(Severity::Low, format!("The looser policy is on for {}.", services.join(", ")))
        }
    }
}

pub(super) fn rate_limits(facts: &Facts) -> Check {
    let subject = Subject {
        id: "rate_limit_scale",
        title: "Rate limits",
        why: "Limits slow down who tries out passwords or floods a service; the scale is for benchmarks.",
        fix: "Take HIVEMATRIX_RATE_LIMIT_SCALE away and run `helm up`.",
    };
    match facts.rate_limit_scale.as_deref().map(|text| (text, text.trim().parse::<f64>())) {
        None => subject.ok("They are as documented."),
        Some((_, Ok(1.0))) => subject.ok("They are as documented."),
        Some((text, _)) => subject.found(Severity::Medium, format!("HIVEMATRIX_RATE_LIMIT_SCALE is {text}.")),
    }
}

pub(super) fn switches(facts: &Facts) -> Check {
    let subject = Subject {
        id: "compat_switches",
        title: "Compatibility switches",
        why: "Each gives the behaviour of the original suite back, in which any program on this machine acts as any service.",
        fix: "Set it to false once no service of the original suite needs it, and run `helm up`.",
    };
    match facts.open_switches.as_slice() {
        [] => subject.ok("All are off."),
        open => subject.found(Severity::High, format!("On: {}.", open.join(", "))),
    }
}

pub(super) fn verification(facts: &Facts) -> Check {
    let subject = Subject {
        id: "tls_verification",
        title: "Certificates of others",
        why: "Without the check anybody on the way can answer in the place of Keycloak or a vendor.",
        fix: "Take VERIFY_SSL=false away; for a CA of your own set SSL_CERT_FILE.",
    };
    match facts.tls_unverified {
        false => subject.ok("They are verified."),
        true => subject.found(Severity::High, "VERIFY_SSL is off."),
    }
}

pub(super) fn demo(facts: &Facts) -> Check {
    let subject = Subject {
        id: "demo",
        title: "Demo",
        why: "The demo's users tech, billing and client share the admin's first password, and the tickets are made up.",
        fix: "Set up an instance without --demo for real work.",
    };
    match facts.is_demo {
        false => subject.ok("This instance is no demo."),
        true => subject.found(Severity::Medium, "This instance is a demo."),
    }
}
