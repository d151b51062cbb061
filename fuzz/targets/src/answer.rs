//! An answer that is taken for a success is one.

use realm_ingest::fuzzing;
use realm_ingest::transport::Response;

pub(crate) fn run(data: &[u8]) {
    let Some((&[low, high, kind], body)) = data.split_first_chunk() else {
        return;
    };
    let status = u16::from_le_bytes([low, high]);
    let content_type = ["application/json", "text/html", ""][usize::from(kind % 3)];
    let answer = Response {
        status,
        headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
        body: body.to_vec(),
        ..Response::default()
    };
    match fuzzing::check_answer(answer) {
        Ok(answer) => {
            assert!(status == 0 || (200..300).contains(&status));
            assert_eq!(answer.body, body);
        }
        Err(error) => assert_eq!(error.status(), status, "{error}"),
    }
}
