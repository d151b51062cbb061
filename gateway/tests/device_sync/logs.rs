//! What the log says of a device, and what it never does.

use crate::changesets::{body, object, schema};
use crate::common::server::logged;
use crate::device::{Device, ask, offers, path};

#[tokio::test]
async fn a_device_has_a_line_when_it_comes_and_one_when_it_goes_and_its_token_none() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let server = logged(data.path(), &log, "trace", &[]);
    let address = server.address;
    let token = tokio::task::spawn_blocking(move || (server.token(), server))
        .await
        .unwrap();
    let (token, server) = token;
    let agent = "user-agent: RealmSync/14.12.0 (Linux) RealmKotlin/2.3.0";
    let answer = ask(address, &path(&token), &[&offers(14), agent]).await;
    let id = answer.headers["x-appservices-request-id"].clone();
    let mut device = Device::over(answer).await;
    device.bind_new(1).await;
    device
        .upload_up_to(1, 6, &body(&[(5, schema()), (6, object(1, 1))]))
        .await;
    device.acknowledged(1, 6).await;
    drop(device);
    server.signal("TERM");
    assert!(server.wait().success());
    let log = std::fs::read_to_string(log).unwrap();
    let of_device: Vec<_> = log
        .lines()
        .filter(|line| line.contains("device_sync{") && line.contains(&id))
        .collect();
    let count = |text: &str| of_device.iter().filter(|line| line.contains(text)).count();
    assert_eq!(
        (count("a file is bound ident="), count("a file is bound no more")),
        (1, 1),
        "{log}"
    );
    assert_eq!(count("RealmKotlin/2.3.0"), 1);
    assert_eq!(count("documents=1"), 1);
    let signature = token.rsplit('.').next().unwrap();
    assert!(!log.contains(signature) && !log.contains("baas_at"), "{log}");
}
