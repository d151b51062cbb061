#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use super::*;

fn admit(admission: &Arc<Admission>, peer: &str, count: usize) -> Vec<Result<Admitted, Full>> {
    let peer: IpAddr = peer.parse().unwrap();
    (0..count).map(|_| admission.admit(peer)).collect()
}

#[test]
fn one_address_leaves_room_for_the_others() {
    let of_one = limits::CONNECTIONS_OF_ONE_ADDRESS;
    let proxies = ["10.0.0.1".parse().unwrap()].into_iter().collect();
    let admission = Admission::new(limits::CONNECTIONS, of_one, proxies);
    let mut first = admit(&admission, "192.0.2.1", of_one + 1);
    assert_eq!(first.pop().unwrap().err(), Some(Full::Address));
    assert!(first.iter().all(Result::is_ok));
    let mapped = admit(&admission, "::ffff:192.0.2.1", 1);
    assert!(mapped[0].is_err(), "an address has two spellings");
    assert!(admission.admit("192.0.2.2".parse().unwrap()).is_ok());
    drop(first);
    assert!(admission.admit("192.0.2.1".parse().unwrap()).is_ok());

    let network = admit(&admission, "2001:db8::1", of_one);
    assert!(network.iter().all(Result::is_ok));
    assert!(admission.admit("2001:db8::ffff:2".parse().unwrap()).is_err());
    assert!(admission.admit("2001:db8:0:1::1".parse().unwrap()).is_ok());

    let proxy = admit(&admission, "10.0.0.1", of_one + 1);
    assert!(
        proxy.iter().all(Result::is_ok),
        "a proxy brings the connections of many"
    );
}

#[test]
fn the_addresses_of_one_site_leave_room_for_the_others() {
    let admission = Admission::new(100, 4, TrustedProxies::default());
    let taken = ["2001:db8::1", "2001:db8:0:1::1"].map(|peer| admit(&admission, peer, 4));
    assert!(taken.iter().flatten().all(Result::is_ok));
    let third = admission.admit("2001:db8:0:2::1".parse().unwrap());
    assert_eq!(third.err(), Some(Full::Address));
    assert!(admission.admit("2001:db8:1::1".parse().unwrap()).is_ok());
}

#[test]
fn those_beyond_what_all_may_have_are_not_taken() {
    let admission = Admission::new(2, 2, TrustedProxies::default());
    let first = admission.admit("192.0.2.1".parse().unwrap()).unwrap();
    let second = admission.admit("192.0.2.2".parse().unwrap()).unwrap();
    let _running = [first.requests().begin(), second.requests().begin()];
    assert_eq!(
        admission.admit("192.0.2.3".parse().unwrap()).err(),
        Some(Full::All)
    );
    drop(first);
    assert!(admission.admit("192.0.2.3".parse().unwrap()).is_ok());
}

/// Whether the connection has to go.
async fn is_displaced(admitted: &Admitted) -> bool {
    tokio::time::timeout(Duration::from_secs(1), admitted.displaced())
        .await
        .is_ok()
}

#[tokio::test(start_paused = true)]
async fn where_all_are_taken_the_one_that_has_stood_still_longest_makes_room() {
    let admission = Admission::new(5, 5, TrustedProxies::default());
    let alone = admission.admit("192.0.2.1".parse().unwrap()).unwrap();
    let mut many = Vec::new();
    for _ in 0..4 {
        tokio::time::advance(Duration::from_secs(1)).await;
        many.push(admission.admit("192.0.2.2".parse().unwrap()).unwrap());
    }
    let _running = many[0].requests().begin();
    drop(many[1].requests().begin());

    let one_more = admission.admit("192.0.2.2".parse().unwrap());
    assert_eq!(
        one_more.err(),
        Some(Full::All),
        "nobody makes room for who has most"
    );
    let _new = admission.admit("192.0.2.3".parse().unwrap()).unwrap();
    assert!(is_displaced(&many[2]).await);
    for kept in [&alone, &many[0], &many[1], &many[3]] {
        assert!(!is_displaced(kept).await);
    }
    drop(many.remove(2));
    let next = admission.admit("192.0.2.2".parse().unwrap());
    assert_eq!(next.err(), Some(Full::All), "the place is taken");
}

#[tokio::test(start_paused = true)]
async fn where_all_are_busy_who_has_more_than_his_part_makes_room_with_what_takes_longest() {
    let proxies = ["10.0.0.1".parse().unwrap()].into_iter().collect();
    let admission = Admission::new(9, 9, proxies);
    let mut running = Vec::new();
    let mut busy = |peer: &str| {
        let admitted = admission.admit(peer.parse().unwrap()).unwrap();
        running.push(admitted.requests().begin());
        admitted
    };
    let alone = busy("192.0.2.1");
    let proxied = [(); 4].map(|()| busy("10.0.0.1"));
    let mut many = Vec::new();
    for _ in 0..4 {
        tokio::time::advance(Duration::from_secs(1)).await;
        many.push(busy("192.0.2.2"));
    }
    // With the new one there are four sites, so three connections for each.
    let _new = busy("192.0.2.3");
    assert!(is_displaced(&many[0]).await);
    for kept in many[1..].iter().chain(&proxied).chain([&alone]) {
        assert!(!is_displaced(kept).await);
    }
    // Five sites, so two for each.
    let _next = busy("192.0.2.4");
    assert!(is_displaced(&many[1]).await);
    let last = admission.admit("192.0.2.5".parse().unwrap());
    assert_eq!(
        last.err(),
        Some(Full::All),
        "two are no more than there are for each"
    );
}

#[test]
fn what_a_proxy_brings_is_not_charged_to_its_neighbours() {
    let proxies = ["2001:db8::1".parse().unwrap()].into_iter().collect();
    let admission = Admission::new(100, 2, proxies);
    let proxied = admit(&admission, "2001:db8::1", 10);
    assert!(proxied.iter().all(Result::is_ok));
    for neighbour in ["2001:db8::2", "2001:db8:0:1::1"] {
        let direct = admit(&admission, neighbour, 2);
        assert!(direct.iter().all(Result::is_ok), "{neighbour}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_of_a_proxy_has_no_more_than_his_own() {
    let proxies = ["2001:db8::1".parse().unwrap()].into_iter().collect();
    let admission = Admission::new(4, 4, proxies);
    let neighbour = admission.admit("2001:db8::2".parse().unwrap()).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    let proxied = admit(&admission, "2001:db8::1", 3);
    let all: Vec<_> = proxied.into_iter().flatten().chain([neighbour]).collect();
    let _running: Vec<_> = all.iter().map(|one| one.requests().begin()).collect();
    let new = admission.admit("192.0.2.1".parse().unwrap());
    assert_eq!(new.err(), Some(Full::All));
}

#[tokio::test(start_paused = true)]
async fn a_new_client_behind_a_proxy_is_made_room_for_however_many_the_proxy_has() {
    let proxies = ["10.0.0.1".parse().unwrap()].into_iter().collect();
    let admission = Admission::new(6, 6, proxies);
    let mut all = Vec::new();
    for peer in [
        "10.0.0.1",
        "10.0.0.1",
        "10.0.0.1",
        "192.0.2.1",
        "192.0.2.1",
        "192.0.2.1",
    ] {
        tokio::time::advance(Duration::from_secs(1)).await;
        all.push(admission.admit(peer.parse().unwrap()).unwrap());
    }
    let mut running: Vec<_> = all.iter().map(|one| one.requests().begin()).collect();
    // The proxy's first one stands still.
    running.remove(0);
    let new = admission.admit("10.0.0.1".parse().unwrap()).unwrap();
    assert!(is_displaced(&all[0]).await);
    running.push(new.requests().begin());
    // All are busy. With the new one there are three who have some, so two for each.
    let _next = admission.admit("10.0.0.1".parse().unwrap()).unwrap();
    assert!(is_displaced(&all[3]).await);
    for kept in [&all[1], &all[2], &all[4], &all[5], &new] {
        assert!(!is_displaced(kept).await);
    }
}

#[tokio::test(start_paused = true)]
async fn web_sockets_have_room_beside_http_and_are_not_asked_to_make_room_for_it() {
    let proxies = ["10.0.0.1".parse().unwrap()].into_iter().collect();
    let admission = Admission::new(limits::CONNECTIONS, limits::CONNECTIONS, proxies);
    let mut sockets = Vec::new();
    for _ in 0..10_000 {
        let admitted = admission.admit("192.0.2.1".parse().unwrap()).unwrap();
        admitted.requests().upgraded();
        sockets.push(admitted);
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    let first = admission.admit("192.0.2.2".parse().unwrap()).unwrap();
    let http = limits::HTTP_CONNECTIONS - 1;
    let rest: Vec<_> = (0..http)
        .map(|_| admission.admit("10.0.0.1".parse().unwrap()).unwrap())
        .collect();
    assert_eq!(admission.lock().http(), limits::HTTP_CONNECTIONS);
    // There is room for more connections, and not for more of HTTP.
    let _new = admission.admit("10.0.0.1".parse().unwrap()).unwrap();
    assert!(
        !is_displaced(&first).await,
        "it is the only one that its address has"
    );
    assert!(is_displaced(&rest[0]).await);
    for socket in [&sockets[0], &sockets[9_999]] {
        assert!(!is_displaced(socket).await);
    }
    drop(rest);
    drop(sockets);
    assert_eq!(admission.lock().http(), 2);
}

#[tokio::test(start_paused = true)]
async fn where_all_are_taken_a_web_socket_on_which_nothing_happens_makes_room() {
    let admission = Admission::new(3, 3, TrustedProxies::default());
    let mut sockets = Vec::new();
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(1)).await;
        let admitted = admission.admit("192.0.2.1".parse().unwrap()).unwrap();
        admitted.requests().upgraded();
        sockets.push(admitted);
    }
    let busy = sockets[0].requests().begin();
    let _new = admission.admit("192.0.2.2".parse().unwrap()).unwrap();
    assert!(is_displaced(&sockets[1]).await);
    assert!(!is_displaced(&sockets[0]).await && !is_displaced(&sockets[2]).await);
    assert_eq!(admission.lock().http(), 1);
    drop(busy);
}
