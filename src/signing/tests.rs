use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../../tests/keys/", $name))
    };
}

const PKCS8: &str = key!("merchant.pem");
const PKCS1: &str = key!("merchant_pkcs1.pem");

/// `printf 'known answer' | openssl dgst -sha256 -sign tests/keys/merchant.pem | base64 -w0`
const KNOWN_ANSWER: &str = "UTkogE2LlW560NkpTstfdWdJGPCRXOyCH1yUHEGLaPczGwmq0qogt2tzagz28UXA1tsqvslMm\
                            dTfwVRL1o1bVOp9qCKz7hGDdVvQmB4Wh8ATB90p5ir3rNZaHBPc+S5VLV/pNeVKKTbkFUoDkq\
                            nHvTgb2AyTlUiIhyfjJ4rrPIg8VPMJQEJkyV5ibwd3VKXCQkGaJYW1yR916xeqD7WNNzB9Xee\
                            LWsH+gABamBIahlHuK8rt74CWeQ68qCTYFbZLyQbqveQO/OkHl2UUuxKO8X3qd+2O2So7SuS2\
                            k6XumivPHDsxYE+uxS8Qe7dIXbhJZ9C6EDjQJBwzbbwiLoU4BA==";

fn base64_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect::<Vec<_>>().join("\n")
}

/// A public key under `BEGIN PRIVATE KEY`, as the dashboard once showed it.
fn headed_private(public: &str) -> String {
    public.replace("PUBLIC KEY", "PRIVATE KEY")
}

#[test]
fn every_form_of_a_private_key_gives_the_known_answer() {
    for text in [
        PKCS8.to_owned(),
        PKCS1.to_owned(),
        PKCS8.replace('\n', "\r\n"),
        PKCS8.replace('\n', "\\n"),
        PKCS8.replace('\n', "\\r\\n"),
        PKCS1.replace('\n', "\\n"),
        format!("\u{feff}{PKCS8}"),
        PKCS8.replace('\n', "\n    "),
        PKCS8.replace('\n', " \t\n\t"),
        format!(
            "Bag Attributes\n    friendlyName: merchant\nKey Attributes: <No Attributes>\n{PKCS8}"
        ),
        format!("{PKCS8}\nsome text behind"),
        format!("{}{PKCS8}", key!("certificate.pem")),
        format!("{PKCS8}{}", key!("merchant.pub.pem")),
        format!("{}{PKCS8}", headed_private(key!("pingxx.pub.pem"))),
        PKCS8.trim_end().to_owned(),
        base64_of(PKCS8),
        base64_of(PKCS1),
        base64_of(PKCS8).replace('\n', ""),
    ] {
        let key = SigningKey::from_pem(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(key.sign(b"known answer").unwrap(), KNOWN_ANSWER);
        assert!(key.public_key().verifies(b"known answer", KNOWN_ANSWER));
    }
}

#[test]
fn every_form_of_a_public_key_verifies_the_known_answer() {
    let spki = key!("merchant.pub.pem");
    let pkcs1 = key!("merchant_pkcs1.pub.pem");
    for text in [
        spki.to_owned(),
        pkcs1.to_owned(),
        spki.replace('\n', "\r\n"),
        spki.replace('\n', "\\n"),
        headed_private(spki),
        headed_private(&spki.replace('\n', "\\n")),
        base64_of(spki),
        base64_of(pkcs1),
    ] {
        let key = PublicKey::from_pem(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(key.verifies(b"known answer", KNOWN_ANSWER));
        assert!(!key.verifies(b"another answer", KNOWN_ANSWER));
    }
}

#[test]
fn a_changed_signature_or_message_is_refused() {
    let key = PublicKey::from_pem(key!("merchant.pub.pem")).unwrap();
    for cut in 0..KNOWN_ANSWER.len() {
        assert!(!key.verifies(b"known answer", &KNOWN_ANSWER[..cut]));
    }
    let url_safe = KNOWN_ANSWER.replace('+', "-").replace('/', "_");
    for wrong in [
        "",
        " ",
        &format!("{KNOWN_ANSWER}{KNOWN_ANSWER}"),
        &format!(" {KNOWN_ANSWER}"),
        &format!("{KNOWN_ANSWER}\n"),
        &format!("{KNOWN_ANSWER}="),
        KNOWN_ANSWER.trim_end_matches('='),
        &url_safe,
    ] {
        assert!(!key.verifies(b"known answer", wrong), "{wrong:?}");
    }
    for at in 0..b"known answer".len() {
        let mut message = *b"known answer";
        message[at] ^= 1;
        assert!(!key.verifies(&message, KNOWN_ANSWER));
    }
    assert!(
        !PublicKey::from_pem(key!("pingxx.pub.pem"))
            .unwrap()
            .verifies(b"known answer", KNOWN_ANSWER)
    );
}

#[test]
fn every_unusable_private_key_is_refused_with_advice() {
    let truncated = &PKCS8[..PKCS8.len() / 2];
    let mut damaged: Vec<_> = PKCS8.lines().collect();
    damaged.remove(5);
    for (text, advice) in [
        ("", "there is no key"),
        ("   \n\n", "there is no key"),
        ("hello world", "there is no key"),
        ("\u{0}\u{1}", "there is no key"),
        (key!("encrypted.pem"), "openssl pkey -in key.pem -out plain.pem"),
        (key!("encrypted_pkcs1.pem"), "openssl pkey -in key.pem -out plain.pem"),
        (&base64_of(key!("encrypted.pem")), "protected by a password"),
        (key!("ec.pem"), "not an RSA key"),
        (key!("ec_sec1.pem"), "not an RSA key"),
        (key!("ed25519.pem"), "not an RSA key"),
        (&base64_of(key!("ec.pem")), "not an RSA key"),
        (key!("openssh.pem"), "an OpenSSH key"),
        (key!("openssh.pem"), "ssh-keygen -p -m PEM -f key"),
        (&key!("openssh.pem").replace('\n', "\\n"), "an OpenSSH key"),
        (key!("merchant.pub.pem"), "the private key that belongs to it"),
        (&headed_private(key!("merchant.pub.pem")), "this is a public key"),
        (&headed_private(key!("merchant.pub.pem")), "not the `BEGIN` line"),
        (&base64_of(key!("merchant_pkcs1.pub.pem")), "the private key that belongs to it"),
        (key!("certificate.pem"), "openssl x509"),
        (
            key!("rsa1024.pem"),
            "1024 bits, at least 2048 are needed: make one with `openssl genpkey",
        ),
        (key!("rsa5120.pem"), "5120 bits, at most 4096"),
        (truncated, "damaged or cut off"),
        (&base64_of(truncated), "damaged or cut off"),
        (&damaged.join("\n"), "damaged or cut off"),
        (&format!("{PKCS8}{PKCS8}"), "more than one key"),
        (&format!("{PKCS8}{}", key!("rsa1024.pem")), "more than one key"),
    ] {
        let error = SigningKey::from_pem(text).expect_err(text).to_string();
        assert!(error.contains(advice), "{error}\n{text}");
    }
}

#[test]
fn every_unusable_public_key_is_refused_with_advice() {
    let spki = key!("merchant.pub.pem");
    for (text, advice) in [
        ("", "there is no key"),
        (PKCS8, "the public key of Ping++ is needed"),
        (key!("certificate.pem"), "-pubkey -noout"),
        (key!("ec.pub.pem"), "not an RSA key"),
        (key!("ec.pem"), "not an RSA key"),
        (key!("openssh.pem"), "the public key of Ping++ is needed"),
        (key!("encrypted.pem"), "the public key of Ping++ is needed"),
        (key!("encrypted_pkcs1.pem"), "the public key of Ping++ is needed"),
        (key!("rsa1024.pub.pem"), "1024 bits"),
        (&spki[..200], "damaged or cut off"),
        (&format!("{spki}{spki}"), "more than one key"),
    ] {
        let error = PublicKey::from_pem(text).expect_err(text).to_string();
        assert!(error.contains(advice), "{error}\n{text}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = SigningKey::from_pem_file("no/such/key.pem").unwrap_err();
    assert!(error.to_string().contains("no/such/key.pem"), "{error}");
    assert!(PublicKey::from_pem_file("no/such/key.pem").is_err());
}

#[test]
fn a_key_given_for_its_path_is_not_shown() {
    for text in [PKCS8.to_owned(), base64_of(PKCS8)] {
        let error = SigningKey::from_pem_file(&text).unwrap_err();
        assert!(matches!(error, KeyError::TextForPath), "not the path error, which shows it");
        assert!(error.to_string().contains("from_pem"));
    }
}

#[test]
fn damage_that_only_signing_detects_is_reported_when_the_key_is_read() {
    let der = pem::parse(PKCS1).unwrap().into_contents();
    // These bytes hold the CRT values (dP, dQ, qInv). ring reads a key with a wrong one; signing
    // with it fails.
    let refused = (der.len() - 400..der.len()).filter(|&at| {
        let mut changed = der.clone();
        changed[at] ^= 1;
        SigningKey::from_pem(STANDARD.encode(&changed)).is_err()
    });
    assert_eq!(refused.count(), 400);
}

#[test]
fn no_debug_output_or_error_contains_key_material() {
    let shown = |text: &str| match SigningKey::from_pem(text) {
        Ok(key) => format!("{key:?} {:?}", key.public_key()),
        Err(error) => format!("{error} {error:?}"),
    };
    for pem in [
        PKCS8,
        PKCS1,
        key!("rsa1024.pem"),
        key!("ec.pem"),
        key!("openssh.pem"),
        &PKCS8[..PKCS8.len() / 2],
    ] {
        for line in base64_of(pem).lines() {
            assert!(!shown(pem).contains(line), "{}", shown(pem));
        }
    }
    assert_eq!(shown(PKCS8), "SigningKey(RSA, 2048 bits) PublicKey(RSA, 2048 bits)");
}

#[test]
fn an_openssh_key_can_be_used_after_the_conversion_that_its_error_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, key!("openssh.pem")).unwrap();
    // ssh-keygen refuses keys that others may read.
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let advice = SigningKey::from_pem_file(&path).unwrap_err().to_string();
    let command = advice.split('`').nth(1).unwrap();
    let mut words = command.split(' ');
    assert_eq!((words.next(), words.next_back()), (Some("ssh-keygen"), Some("key")), "{command}");
    // The two options answer the questions for the old and the new password.
    let output = std::process::Command::new("ssh-keygen")
        .args(["-P", "", "-N", ""])
        .args(words)
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let key = SigningKey::from_pem_file(&path).unwrap();
    assert!(key.public_key().verifies(b"a", &key.sign(b"a").unwrap()));
}

#[test]
fn a_4096_bit_key_signs() {
    let key = SigningKey::from_pem(key!("rsa4096.pem")).unwrap();
    assert!(key.public_key().verifies(b"a", &key.sign(b"a").unwrap()));
}

#[test]
fn a_public_key_written_is_the_key_that_openssl_writes() {
    for private in [PKCS1, include_str!("../../tests/keys/rsa4096.pem")] {
        let key = SigningKey::from_pem(private).unwrap().public_key();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        std::fs::write(&path, private).unwrap();
        let output = std::process::Command::new("openssl")
            .args(["pkey", "-pubout", "-in"])
            .arg(&path)
            .output()
            .unwrap();
        assert_eq!(key.to_pem(), String::from_utf8(output.stdout).unwrap());
    }
}
