//! Async client for the Ping++ (pingxx.com) payment API.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
