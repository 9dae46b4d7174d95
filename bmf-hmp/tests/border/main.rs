//! What is made of payloads of other libraries, and who frees what when.

#![expect(unsafe_code, reason = "a payload is made by hand, as in C")]
#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation should end the test"
)]

mod frames;
mod imports;
mod memory;
mod nonsense;
mod twin;
mod values;
