//! The simulated Ping++ and the road to it: reads requests, lets faults strike, acts on the books.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::answers::{self, Answer};
use crate::books::{Reply, Request};
use crate::customers;
use crate::faults::Fault;
use crate::keys;
use crate::net::{ClientSide, ServerSide, connection};
use crate::world::World;

/// Where the server is; which of the addresses may be dead.
pub(crate) const ADDRESSES: [&str; 2] = ["127.0.0.1", "127.0.0.2"];

/// Opens a connection.
pub(crate) async fn connect(world: World, address: SocketAddr) -> std::io::Result<ClientSide> {
    sleep(world.latency()).await;
    let fault = world.draw(30, Fault::CONNECTING.into_iter());
    let fault = fault.filter(|fault| {
        *fault != Fault::DeadAddress || address.ip() == ADDRESSES[0].parse::<IpAddr>().unwrap()
    });
    if let Some(fault) = fault {
        world.struck(fault);
    }
    match fault {
        Some(Fault::DeadAddress) => std::future::pending().await,
        Some(Fault::Refused) => return Err(std::io::ErrorKind::ConnectionRefused.into()),
        _ => {}
    }
    let (client, server) = connection(world.plan().room);
    match fault {
        Some(Fault::ResetOnAccept) => server.reset(),
        Some(Fault::FinOnAccept) => drop(server),
        Some(_) => world.spawn(async move {
            // Never read; until the world ends.
            std::future::pending::<()>().await;
            drop(server);
        }),
        None => world.clone().spawn(serve(world, server)),
    }
    Ok(client)
}

/// Looks up the server.
pub(crate) async fn look_up(world: World) -> std::io::Result<Vec<IpAddr>> {
    sleep(world.latency()).await;
    if world.strikes(Fault::NameFails, 30) {
        return Err(std::io::Error::other("the name server fails"));
    }
    if world.strikes(Fault::NameSilent, 30) {
        sleep(Duration::from_secs(1 + world.below(60))).await;
    }
    Ok(ADDRESSES.iter().map(|address| address.parse().unwrap()).collect())
}

/// What becomes of a connection after an answer.
enum After {
    Keep,
    /// The next request is not awaited so long.
    KeepFor(Duration),
    Close,
    Reset,
    Stall,
}

async fn serve(world: World, side: ServerSide) {
    let mut idle = Duration::from_secs(3_600);
    // Of a request that was sent before the one before it was answered: by a client that has taken a
    // stray answer for its own.
    let mut behind = Vec::new();
    loop {
        let received = receive(&world, &side, &mut behind);
        let Ok(read) = timeout(idle, received).await else { return };
        let (request, raw) = match read {
            Some(Received::Whole(request, raw)) => (request, raw),
            Some(Received::ToReset) => return side.reset(),
            None => return,
        };
        idle = Duration::from_secs(60);
        sleep(world.latency()).await;
        {
            let mut state = world.state();
            state.under_way += 1;
            state.most_under_way = state.most_under_way.max(state.under_way);
        }
        let after = answer(&world, &side, &request, &raw).await;
        world.state().under_way -= 1;
        match after {
            After::Keep => {}
            After::KeepFor(time) => idle = time,
            After::Close => return,
            After::Reset => return side.reset(),
            After::Stall => return side.ignore().await,
        }
    }
}

enum Received {
    Whole(Request, Raw),
    ToReset,
}

/// The parts of a request that are signed.
struct Raw {
    head: String,
    target: String,
    body: Vec<u8>,
}

impl Raw {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

async fn receive(world: &World, side: &ServerSide, behind: &mut Vec<u8>) -> Option<Received> {
    let mut bytes = std::mem::take(behind);
    if bytes.is_empty() {
        bytes = side.read().await?;
    }
    if world.draw(10, std::iter::once(Fault::ResetInRequest)).is_some() {
        world.struck(Fault::ResetInRequest);
        return Some(Received::ToReset);
    }
    let end = loop {
        match bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(end) => break end + 4,
            None => bytes.extend(side.read().await?),
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut first = head.split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let mut raw = Raw { head: head.clone(), target: target.clone(), body: Vec::new() };
    let length: usize = raw.header("content-length").map_or(0, |text| text.parse().unwrap());
    while bytes.len() < end + length {
        bytes.extend(side.read().await?);
    }
    *behind = bytes.split_off(end + length);
    raw.body = bytes.split_off(end);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let decode =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(key, value)| (decode(key), decode(value))).collect();
    let body = serde_json::from_slice(&raw.body).unwrap_or(Value::Null);
    Some(Received::Whole(Request { method, path: path.to_owned(), query, body }, raw))
}

/// Whether the request is one of the merchant's, and by whose clock.
fn check_signature(world: &World, raw: &Raw) -> Option<Reply> {
    let timestamp = raw.header("pingplusplus-request-timestamp").unwrap_or_default();
    let message = [&raw.body, raw.target.as_bytes(), timestamp.as_bytes()].concat();
    let signature = raw.header("pingplusplus-signature").unwrap_or_default();
    let is_signed = keys::verify(world.plan().rsa, &message, signature);
    world.check("every request is signed", is_signed, || raw.head.clone());
    let key = raw.header("authorization").unwrap_or_default();
    world.check("every request has the API key", key == keys::AUTHORIZATION, || raw.head.clone());
    let off = world.now().abs_diff(timestamp.parse::<u64>().unwrap_or(0) * 1_000);
    if !world.plan().checks_clock || off < 300_000 {
        return None;
    }
    world.event(format_args!("  the timestamp is refused"));
    let body = json!({ "error": { "type": "invalid_request_error", "message": "timestamp" } });
    Some(Reply { status: 401, body, new_charge: None })
}

/// The fault that strikes a request, and the true answer if it is carried out.
async fn answer(world: &World, side: &ServerSide, request: &Request, raw: &Raw) -> After {
    let (method, target) = (&request.method, &raw.target);
    world.state().report.requests += 1;
    world.event(format_args!(
        "{method} {target} {} {}",
        raw.header("pingplusplus-request-timestamp").unwrap_or_default(),
        String::from_utf8_lossy(&raw.body)
    ));
    count(world, request);
    if let Some(refused) = check_signature(world, raw) {
        return write(world, side, &Answer::of(world, &refused)).await;
    }
    let too_many = {
        let state = world.state();
        state.under_way > world.plan().admits
    };
    if too_many && !world.is_healed() {
        world.struck(Fault::PlanLimit);
        return write(world, side, &answers::plain(world, 403)).await;
    }
    // What only some requests can meet strikes them more often.
    let rare = [Fault::Delayed, Fault::NotDone].into_iter().cycle().take(12);
    let fits = |fault: &Fault| answers::fits(*fault, request);
    let faults = Fault::of_requests().chain(rare).filter(fits);
    let Some(fault) = world.draw(100, faults) else {
        let is_old = request.reads() && world.strikes(Fault::Stale, 30);
        let age = if is_old { world.below(60_000) } else { 0 };
        let reply = carry_out(world, request, age);
        let after = write(world, side, &Answer::of(world, &reply)).await;
        let shows_paid = reply.body["paid"] == true && reply.body["reversed"] == false;
        if request.reads() && shows_paid && side.is_read().await {
            let id = reply.body["id"].as_str().unwrap().to_owned();
            world.state().shown_paid.insert(id, world.now());
        }
        return after;
    };
    if fault == Fault::Delayed {
        world.struck(fault);
        return delay(world, side, request).await;
    }
    let acts = match fault.acts() {
        1 => world.chance(50),
        acts => acts > 0,
    };
    // What is answered as not done may also be not done.
    let look = || Request {
        method: "GET".into(),
        path: request.path.replace("/reverse", ""),
        ..request.clone()
    };
    let reply = match fault {
        Fault::NotDone if !acts => Some(carry_out(world, &look(), 0)),
        _ => acts.then(|| carry_out(world, request, 0)),
    };
    let refusal = reply.as_ref().filter(|reply| fault.changes_successes() && reply.status != 200);
    if let Some(refusal) = refusal {
        return write(world, side, &Answer::of(world, refusal)).await;
    }
    world.struck(fault);
    strike(world, side, request, fault, reply).await
}

/// Counts the whole requests that arrive, by what they are about.
fn count(world: &World, request: &Request) {
    if request.reads() {
        return;
    }
    let (mark, now) = (request.mark(), world.now());
    let (times, first) = {
        let mut state = world.state();
        let (times, first) = state.arrived.entry(mark.clone()).or_insert((0, now));
        *times += 1;
        (*times, *first)
    };
    match request.segments().as_slice() {
        // Its window begins before the first one is on the road.
        ["charges"] if times == 1 => {}
        ["charges"] => {
            let in_time = now - first <= 50_000 + world.plan().latency;
            world.check("a create is repeated within its window", in_time, || {
                format!("{mark} once more after {} ms", now - first)
            });
        }
        [_, id, "reverse"] => {
            let mut state = world.state();
            // One that was on the road when it was kept knew nothing of it.
            let on_the_road = 2 * world.plan().latency + 1_000;
            if state.kept_paid.get(*id).is_some_and(|kept| now > kept + on_the_road) {
                state.gave_back.insert((*id).to_owned());
            }
        }
        _ => world.check("a write that must not be repeated is sent once", times == 1, || {
            format!("{mark} was sent {times} times")
        }),
    }
}

/// Acts on the books; a read shows the state of some time ago.
fn carry_out(world: &World, request: &Request, age: u64) -> Reply {
    let now = world.now();
    let reply = world.state().books.carry_out(request, now, now - age);
    if !request.reads() {
        world.event(format_args!("  carried out: {}", reply.status));
    }
    if let Some(n) = reply.new_charge {
        customers::comes(world, n);
    }
    reply
}

/// The request is carried out minutes later, and the caller learns nothing of it.
async fn delay(world: &World, side: &ServerSide, request: &Request) -> After {
    let minutes = if world.plan().too_late { 25 } else { 4 };
    let delay = Duration::from_millis(world.below(minutes * 60_000));
    if delay > Duration::from_secs(240) {
        world.exception("a request that arrived later than four minutes");
        let mut state = world.state();
        let order_no = state.books.order_of(request);
        state.too_late.extend(order_no);
    }
    let (later, request) = (world.clone(), request.clone());
    world.spawn(async move {
        sleep(delay).await;
        later.event(format_args!("  delayed {} {}", request.method, request.path));
        carry_out(&later, &request, 0);
    });
    match world.below(3) {
        0 => After::Stall,
        1 => After::Reset,
        _ => write(world, side, &answers::html(world, 504)).await,
    }
}

async fn write(world: &World, side: &ServerSide, answer: &Answer) -> After {
    let answers_after = world.state().answers_after;
    sleep(world.latency() + answers_after).await;
    side.write(answer.bytes());
    After::Keep
}

/// Answers as the fault demands.
async fn strike(
    world: &World,
    side: &ServerSide,
    request: &Request,
    fault: Fault,
    reply: Option<Reply>,
) -> After {
    use Fault::*;
    let truth = reply.as_ref().map(|reply| Answer::of(world, reply));
    match fault {
        FinBefore | FinAfter => return After::Close,
        ResetBefore | ResetAfter => return After::Reset,
        StallBefore | StallAfter => return After::Stall,
        Late => {
            let longest = world.pick(&[5, 40, 200]);
            sleep(Duration::from_millis(world.below(longest * 1_000))).await;
        }
        _ => sleep(world.latency()).await,
    }
    let truth = truth.as_ref().map_or(&[][..], |answer| answer.bytes());
    let cut = truth.len().saturating_sub(1 + world.below(20) as usize);
    match fault {
        StallInBody => {
            side.write(&truth[..cut]);
            After::Stall
        }
        Truncated => {
            side.write(&truth[..cut]);
            After::Close
        }
        ResetInBody => {
            side.write(&truth[..cut]);
            sleep(Duration::from_millis(world.below(50))).await;
            After::Reset
        }
        Trickle => {
            let pause = Duration::from_millis(world.pick(&[10, 200, 2_000]));
            for piece in truth.chunks(48) {
                side.write(piece);
                sleep(pause).await;
            }
            After::Keep
        }
        Flood1xx | FloodChunk => {
            let (first, then) = answers::flood(fault);
            side.write(first);
            // Longer than any call may take, so that one without an end is a failure and no standstill.
            for _ in 0..4_000 {
                side.write(then);
                // Until the client has closed the connection.
                if let Ok(None) = timeout(Duration::from_millis(250), side.read()).await {
                    break;
                }
            }
            After::Close
        }
        Repeated | Unasked => {
            let behind = match fault {
                Repeated => truth.to_vec(),
                _ => answers::stray(world, world.pick(&[400, 404, 408])).bytes().to_vec(),
            };
            side.write(truth);
            sleep(Duration::from_millis(world.pick(&[0, 0, 30, 2_000, 6_000]))).await;
            side.write(&behind);
            After::Keep
        }
        IdleClosed => {
            side.write(truth);
            After::KeepFor(Duration::from_millis(world.below(9_000)))
        }
        Late => {
            side.write(truth);
            After::Keep
        }
        Garbage => {
            side.write(b"\x16\x03\x01 oops\r\n\r\n");
            After::Close
        }
        _ => {
            side.write(answers::wrong(world, request, fault, reply.as_ref()).bytes());
            if fault == ShortLength { After::Close } else { After::Keep }
        }
    }
}
