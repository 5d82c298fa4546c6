use crate::collector::Collector;

#[test]
fn a_collector_that_runs_is_alive_and_ready() {
    let collector = Collector::start();
    assert_eq!(collector.get("/health/live").json()["status"], "live");
    let ready = collector.get("/health/ready");
    assert_eq!((ready.status, &ready.json()["status"]), (200, &"ready".into()));
    assert_eq!(collector.request("HEAD", "/health/live", &[], "").status, 200);
}
