//! Everything that can go wrong, by name.

macro_rules! faults {
    ($($name:ident = $text:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault { $($name,)* }

        impl Fault {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

faults! {
    // While a connection is opened.
    NameFails = "the name server fails",
    NameSilent = "the name server is silent",
    DeadAddress = "an address that does not answer",
    Refused = "connection refused",
    ResetOnAccept = "reset on accept",
    FinOnAccept = "FIN on accept",
    NeverRead = "accepted and never read",
    // While a request is read.
    ResetInRequest = "reset in the request",
    // Of a request that is not carried out.
    FinBefore = "FIN instead of acting",
    ResetBefore = "reset instead of acting",
    StallBefore = "never answered, never carried out",
    Unsaid400 = "400",
    OddParam400 = "400 with an odd param",
    Unauthorized = "401",
    Closed402 = "402 charge_closed",
    NotFound = "404",
    Forbidden = "403 of Ping++",
    TooMany = "429 of Ping++",
    PlanLimit = "too many at a time for the plan",
    // Of a request that may have been carried out.
    FinAfter = "FIN after acting",
    ResetAfter = "reset after acting",
    StallAfter = "stall before the head",
    StallInBody = "stall in the body",
    Late = "late answer",
    Delayed = "carried out minutes later",
    Trickle = "trickle",
    Truncated = "truncated",
    ResetInBody = "reset in the body",
    ShortLength = "Content-Length too small",
    Garbage = "garbage",
    Null = "200 null",
    Html200 = "200 HTML",
    SomethingElse = "200 about something else",
    Gzip = "200 gzip",
    TooLarge = "200 too large",
    Redirect = "307 to another host",
    Channel402 = "402 channel_connection_error",
    Doubtful403 = "403 channel_connection_error",
    Gateway403 = "403 JSON of a gateway",
    Html403 = "403 HTML",
    Html429 = "429 HTML",
    Empty400 = "400 empty",
    Timeout408 = "408",
    Error500 = "500",
    Html502 = "502 HTML",
    Unavailable503 = "503 Retry-After",
    Flood1xx = "1xx flood",
    FloodChunk = "endless chunk size",
    NotDone = "answered as not done",
    OtherMode = "livemode: true",
    Repeated = "answer repeated",
    Unasked = "unasked answer behind the answer",
    WrongDate = "Date of somebody in between",
    // Of a connection between two requests.
    IdleClosed = "kept connection closed",
    // Of what is shown.
    Stale = "an old state shown",
    Cached = "an answer of a cache",
    // Of the merchant.
    Crash = "crash",
    MachineCrash = "crash of a machine",
    ClockWrong = "clock wrong",
    ClockStepped = "clock stepped",
    Frozen = "frozen owner",
    LostLease = "token not kept",
    // Of the channel and the webhooks.
    LateConfirmation = "payment shown late",
    WebhookLost = "webhook lost",
    WebhookTwice = "webhook twice",
}

impl Fault {
    /// What strikes when a connection is opened.
    pub(crate) const CONNECTING: [Self; 5] =
        [Self::DeadAddress, Self::Refused, Self::ResetOnAccept, Self::FinOnAccept, Self::NeverRead];

    /// What strikes a request.
    pub(crate) fn of_requests() -> impl Iterator<Item = Self> {
        let from = Self::ResetInRequest as usize;
        let to = Self::Cached as usize;
        Self::ALL[from..=to].iter().copied().filter(|fault| *fault != Self::PlanLimit)
    }

    /// Whether it changes nothing but successes.
    pub(crate) fn changes_successes(self) -> bool {
        matches!(self, Self::SomethingElse | Self::NotDone | Self::OtherMode)
    }

    /// Whether a request that it strikes may have been carried out: 2 always, 1 perhaps, 0 never.
    pub(crate) fn acts(self) -> u8 {
        use Fault::*;
        match self {
            ResetInRequest | FinBefore | ResetBefore | StallBefore | Unsaid400 | OddParam400
            | Unauthorized | Closed402 | NotFound | Forbidden | TooMany | PlanLimit | Delayed => 0,
            Channel402 | Doubtful403 | Gateway403 | Html403 | Html429 | Empty400 | Timeout408
            | Error500 | Html502 | Unavailable503 | WrongDate | Redirect | NotDone => 1,
            _ => 2,
        }
    }
}
