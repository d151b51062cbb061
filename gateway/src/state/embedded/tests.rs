#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
use super::*;

#[test]
fn who_waits_for_the_file_keeps_no_thread_from_others() {
    let data = tempfile::tempdir().unwrap();
    let state = EmbeddedState::open(data.path()).unwrap();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().max_blocking_threads(2).build().unwrap();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async move {
        let first = tokio::spawn(off_the_async_threads(
            &state.connection,
            move |_: &mut Connection| Ok(ended.recv().is_ok()),
        ));
        let second = tokio::spawn(off_the_async_threads(&state.connection, |_: &mut Connection| {
            Ok(true)
        }));
        tokio::task::yield_now().await;
        let other = tokio::task::spawn_blocking(|| ());
        let other = tokio::time::timeout(std::time::Duration::from_secs(10), other).await;
        end.send(()).unwrap();
        assert!(first.await.unwrap().unwrap() && second.await.unwrap().unwrap());
        other.expect("it does not wait for the file").unwrap();
    });
}
