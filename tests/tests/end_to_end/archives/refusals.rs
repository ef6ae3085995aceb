//! Servers that want fewer requests: the real nginx with its `limit_req`, in front of a small archive.

use package_import_tests::archive::{TestArchive, suite};
use package_import_tests::nginx::Nginx;
use package_import_tests::queue::Queue;
use package_import_tests::synthetic::package;

#[test]
fn nginx_refuses_who_asks_too_often_and_all_is_imported() {
    let archive = TestArchive::new();
    for number in 0..60 {
        archive.add("main", &format!("p{number:02}"), &package(&format!("p{number:02}"), "1.0-1"));
    }
    archive.publish(&suite("sid"));
    let zone = "limit_req_zone $binary_remote_addr zone=one:1m rate=20r/s;";
    let nginx =
        Nginx::with(&archive.extra("nginx"), &archive.root(), zone, "limit_req zone=one burst=2 nodelay;");
    let queue = Queue::sqlite();
    let (url, keyring) = (nginx.url(), archive.signer.keyring.display());
    queue.installation.configure(&format!(
        "[import]\nrepack = false\n[[archives]]\nname = 'a'\ndistro = 'debian'\nmirrors = ['{url}']\n\
         keyrings = ['{keyring}']\n[[archives.suites]]\nname = 'sid'\n"
    ));
    // A service goes on by itself; here each run is one of cron's.
    for _ in 0..20 {
        queue.well(&["run", "--poll"]);
        if queue.number("SELECT COUNT(*) FROM publication WHERE done IS NOT NULL") == 60 {
            break;
        }
    }
    let imported = queue.number("SELECT COUNT(DISTINCT package_id) FROM version");
    assert_eq!(imported, 60, "{}", queue.well(&["status"]));
    let failed = queue.texts("SELECT message FROM attempt WHERE outcome = 'failed'");
    assert!(failed.is_empty(), "what a server refuses for its pace is no failure of a package: {failed:?}");
    assert!(nginx.served().iter().any(|served| served.status == 503), "it has refused something");
}
