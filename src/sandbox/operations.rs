//! The operations that all kinds have in common: create, retrieve, list, update, delete.

use serde_json::{Value, json};

use super::answer::{Answer, Answered};
use super::check;
use super::input::Query;
use super::kind::{By, IdForm, Kind, Paging};
use super::moves::New;
use super::state::{DELETED, State, fields};
use super::values::{Fields, text};

/// Where an operation is: a collection, as its path says.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) kind: &'static Kind,
    /// The app, if the path has it.
    pub(super) app: Option<usize>,
    pub(super) parent: Option<usize>,
}

impl State {
    /// The app that the parameters name, as an id or as an object.
    pub(super) fn app_in(&mut self, params: &Fields) -> Answered<usize> {
        let app = params.get("app").unwrap_or(&Value::Null);
        let (name, id) = match app.get("id") {
            Some(id) => ("app[id]", id.as_str()),
            None => ("app", app.as_str()),
        };
        let app = self.app(id.unwrap_or_default());
        app.ok_or_else(|| Answer::bad_parameter(name, "missing, or not an app of this sandbox"))
    }

    /// The app of a place, or that of the parameters.
    pub(super) fn app_of(&mut self, place: Place, params: &Fields) -> Answered<usize> {
        match (place.app, place.parent) {
            (Some(app), _) => Ok(app),
            (None, Some(parent)) => Ok(self.rows[parent].app),
            (None, None) => self.app_in(params),
        }
    }

    pub(super) fn create(&mut self, place: Place, params: Fields) -> Answered {
        let app = self.app_of(place, &params)?;
        let id = match place.kind.id {
            IdForm::Named(name) => text(&params, name).into(),
            IdForm::Numbered(..) => "".into(),
        };
        let document = check::created(place.kind, params)?;
        let new = New { id, parent: place.parent, ..New::of(place.kind, app, document) };
        let row = self.add(new, self.clock.millis())?;
        Ok(Answer::ok(self.show(row)))
    }

    /// The row of a place with this id.
    pub(super) fn find_at(&self, place: Place, id: &str) -> Answered<usize> {
        let row = self.find(place.kind, place.app.unwrap_or_default(), place.parent, id)?;
        let is_here = place.app.is_none_or(|app| self.rows[row].app == app);
        is_here.then_some(row).ok_or_else(|| Answer::not_found(id))
    }

    pub(super) fn retrieve(&mut self, place: Place, id: &str, query: &Query) -> Answered {
        let row = self.find_at(place, id)?;
        if let Some(moved) = self.advance(row, By::Retrieve, self.clock.millis()) {
            moved?;
        }
        Ok(Answer::ok(self.show_expanded(row, &query.expanded())))
    }

    /// Changes fields, or the state if there is a `status`.
    pub(super) fn update(&mut self, place: Place, id: &str, mut params: Fields) -> Answered {
        let row = self.find_at(place, id)?;
        let kind = place.kind;
        if let Some(status) = params.remove("status").filter(|status| !status.is_null()) {
            let wanted = status.as_str().unwrap_or_default();
            self.put_status(row, wanted)?;
            return Ok(Answer::ok(self.show(row)));
        }
        params.retain(|name, _| kind.updates.contains(&name.as_str()));
        if params.is_empty() {
            let can = kind.updates.join(", ");
            return Err(Answer::bad_parameter("status", &format!("missing, and none of {can}")));
        }
        let is_over = kind.has_state("canceled") && self.rows[row].state != kind.states[0].name;
        if is_over {
            return Err(self.unexpected(row, "it cannot be changed any more"));
        }
        let is_emptied = |name: &&&str| params.get(**name) == Some(&Value::Null);
        let emptied: Vec<_> = kind.updates.iter().filter(is_emptied).copied().collect();
        let changes = check::checked(kind, params)?;
        self.edit(row, |document| {
            document.extend(changes);
            document.retain(|name, _| !emptied.contains(&name.as_str()));
        });
        Ok(Answer::ok(self.show(row)))
    }

    /// Moves a row to the state that a `PUT` names. A second time changes nothing.
    fn put_status(&mut self, row: usize, wanted: &str) -> Answered<()> {
        let (kind, state) = (self.rows[row].kind, self.rows[row].state);
        let mut moves = kind.moves.iter();
        let found = moves.find(|m| m.by == By::Put && m.from == state && m.to == wanted);
        let has_begun = |part: &usize| !matches!(self.rows[*part].state, "created" | "pending");
        if wanted == "canceled" && self.parts(row).iter().any(has_begun) {
            return Err(self.unexpected(row, "a part of it has ended"));
        }
        match found {
            Some(found) => self.enter(row, found.to, self.clock.millis()),
            None if state == wanted => Ok(()),
            None => Err(self.unexpected(row, &format!("it cannot become {wanted:?}"))),
        }
    }

    /// What is answered to an operation that the state of an object does not allow.
    pub(super) fn unexpected(&self, row: usize, why: &str) -> Answer {
        let (name, state) = (self.rows[row].kind.name, self.rows[row].state);
        let message = format!("{name} 的状态不允许该操作 (the state is {state:?}: {why})");
        let code = format!("{name}_unexpected_status");
        Answer::error(400, "invalid_request_error", &message, Some(&code), None)
    }

    pub(super) fn verb(&mut self, row: usize, verb: &str) -> Option<Answered> {
        let mut moves = self.rows[row].kind.moves.iter();
        let by = moves.find_map(|m| match m.by {
            By::Verb(name) if name == verb => Some(m.by),
            _ => None,
        })?;
        let moved = self.advance(row, by, self.clock.millis());
        let moved = moved.unwrap_or_else(|| Err(self.unexpected(row, "too late for this")));
        Some(moved.map(|()| Answer::ok(self.show(row))))
    }

    pub(super) fn delete(&mut self, place: Place, id: &str) -> Answered {
        let row = self.find_at(place, id)?;
        self.row_mut(row).state = DELETED;
        Ok(Answer::ok(Self::show_deleted(place.kind, id)))
    }

    pub(super) fn list(&mut self, place: Place, query: &Query) -> Answered {
        let kind = place.kind;
        let app = match query.first("app[id]").or(query.first("app")) {
            None => place.app,
            Some(id) => {
                let app = self.app(id);
                Some(app.ok_or_else(|| Answer::bad_parameter("app", "not an app here"))?)
            }
        };
        for name in kind.lists_by {
            if query.first(name).is_none() {
                return Err(Answer::bad_parameter(name, "missing"));
            }
        }
        let rows: Vec<_> = match place.parent {
            Some(parent) => self.below(parent, kind),
            None => self.of_kind(kind).to_vec(),
        };
        let is_here = |row: &usize| {
            let row = &self.rows[*row];
            row.state != DELETED && app.is_none_or(|app| row.app == app)
        };
        let here = rows.into_iter().filter(is_here).collect();
        self.list_of(here, kind, kind.paging, &self.path(place), query)
    }

    /// The path of a place, which is the `url` of its list.
    fn path(&self, place: Place) -> String {
        let app = place.app.map(|app| &*self.apps[app]).unwrap_or_default();
        let parent = place.parent.map(|parent| self.id(parent)).unwrap_or_default();
        let segment = |segment| match segment {
            "{app}" => app,
            text if str::starts_with(text, '{') => parent,
            text => text,
        };
        place.kind.path.split('/').map(segment).collect::<Vec<_>>().join("/")
    }

    /// A page of some rows, which are given oldest first and shown newest first.
    pub(super) fn list_of(
        &self,
        rows: Vec<usize>,
        kind: &Kind,
        paging: Paging,
        url: &str,
        query: &Query,
    ) -> Answered {
        let filters: Vec<_> = query.filters().filter(|(name, _)| is_filter(kind, name)).collect();
        let is_selected = |row: &usize| {
            if !query.selects_time(self.rows[*row].created) {
                return false;
            }
            let object = if filters.is_empty() { Value::Null } else { self.show(*row) };
            // One of the values, where a filter is given several times.
            let holds = |name: &str| {
                let same = filters.iter().filter(|(other, _)| plain(other) == plain(name));
                same.clone().any(|(name, wanted)| selects(&object, name, wanted))
            };
            filters.iter().all(|(name, _)| holds(name))
        };
        let position = |cursor: &str| {
            let at = rows.iter().position(|row| self.id(*row) == cursor);
            at.ok_or_else(|| Answer::not_found(cursor))
        };
        let (mut data, has_more);
        if paging == Paging::Cursor {
            let limit = query.number("limit", 10, 100)?;
            // One more than fits tells whether there are more.
            if let (None, Some(cursor)) =
                (query.first("starting_after"), query.first("ending_before"))
            {
                let newer = &rows[position(cursor)? + 1..];
                data = newer.iter().filter(|r| is_selected(r)).take(limit + 1).collect::<Vec<_>>();
                has_more = data.len() > limit;
                data.truncate(limit);
                data.reverse();
            } else {
                let end = match query.first("starting_after") {
                    Some(cursor) => position(cursor)?,
                    None => rows.len(),
                };
                let older = rows[..end].iter().rev();
                data = older.filter(|row| is_selected(row)).take(limit + 1).collect();
                has_more = data.len() > limit;
                data.truncate(limit);
            }
        } else {
            let per_page = query.number("per_page", 10, kind.per_page)?;
            let page = query.number("page", 1, 1_000_000_000)?;
            let skipped = (page - 1).saturating_mul(per_page);
            let found = rows.iter().rev().filter(|row| is_selected(row));
            data = found.skip(skipped).take(per_page + 1).collect();
            has_more = data.len() > per_page;
            data.truncate(per_page);
        }
        let expanded = query.expanded();
        let data: Vec<_> =
            data.into_iter().map(|row| self.show_expanded(*row, &expanded)).collect();
        let mut list = json!({ "object": "list", "url": url, "has_more": has_more, "data": data });
        if kind.name == "withdrawal" {
            let selected = rows.iter().filter(|row| is_selected(row));
            let total: i64 = selected.map(|row| self.number(*row, "amount")).sum();
            list["total_withdrawals_amount"] = total.into();
        }
        Ok(Answer::ok(list))
    }
}

/// The name of a parameter without `[..]`.
fn plain(name: &str) -> &str {
    name.split('[').next().unwrap_or_default()
}

/// Whether a query parameter is a filter on a field of the kind. A list of values has the plural name.
fn is_filter(kind: &Kind, name: &str) -> bool {
    let is_field = |name: &str| fields(kind).contains_key(name);
    let is_canceled = name == "canceled" && kind.has_state("canceled");
    let name = plain(name);
    let is_one = is_field(name) || name.strip_suffix('s').is_some_and(is_field);
    !matches!(name, "created" | "app") && (is_one || is_canceled)
}

/// Whether an object has the value that a filter wants. Clients write `true` or `True`.
fn selects(object: &Value, name: &str, wanted: &str) -> bool {
    let name = plain(name);
    if name == "canceled" {
        return (object["status"] == "canceled") == matches!(wanted, "1" | "true" | "True");
    }
    let of_many = || object.get(name.strip_suffix('s')?);
    match object.get(name).or_else(of_many) {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Bool(flag)) => wanted.eq_ignore_ascii_case("true") == *flag,
        other => other.is_some_and(|value| *value == wanted),
    }
}
