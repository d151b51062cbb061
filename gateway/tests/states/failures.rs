//! Wrong passwords, which gateways of one state count together.

use std::sync::Arc;
use std::time::Duration;

use realm_ingest_gateway::auth::Quota;
use tokio::task::JoinSet;

use crate::stores::{Mongo, two};

const QUOTA: Quota = Quota {
    burst: 3,
    each: Duration::from_secs(60),
};

#[tokio::test]
async fn what_fails_at_one_gateway_counts_at_the_other() {
    let (states, _place) = two::<Mongo>().await;
    let key = [7; 32];
    for count in 0..3 {
        let debt = states[1].debt(key, QUOTA).await.unwrap();
        assert_eq!(QUOTA.wait(debt), None, "after {count}");
        states[count % 2].add_failure(key, QUOTA).await.unwrap();
    }
    let wait = QUOTA.wait(states[1].debt(key, QUOTA).await.unwrap());
    assert!(wait.is_some_and(|wait| wait <= QUOTA.each), "{wait:?}");
    assert_eq!(
        states[0].debt([8; 32], QUOTA).await.unwrap(),
        Duration::ZERO,
        "of another"
    );
    states[0].forget_failures(key).await.unwrap();
    assert_eq!(states[1].debt(key, QUOTA).await.unwrap(), Duration::ZERO);
}

#[tokio::test]
async fn nobody_waits_longer_for_failing_more_often() {
    let (states, _place) = two::<Mongo>().await;
    let mut all = JoinSet::new();
    for number in 0..20 {
        let state = Arc::clone(&states[number % 2]);
        all.spawn(async move { state.add_failure([7; 32], QUOTA).await.unwrap() });
    }
    all.join_all().await;
    let debt = states[0].debt([7; 32], QUOTA).await.unwrap();
    assert!(debt <= QUOTA.each * QUOTA.burst, "{debt:?}");
}
