//! A route: what it takes, and what it answers.

use axum::http::Method;
use utoipa::openapi::content::Content;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, ParameterStyle, PathItem,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{RefOr, Required, SecurityRequirement};

use super::problem::Problems;
use super::shape::{Shape, map, text, word};
use crate::body::Media;
use crate::reply::{Done, Reason};

/// The name of the way in which a key is sent.
pub(super) const KEY: &str = "key";

/// A route with its method, while it is described.
pub(super) struct Route {
    path: &'static str,
    method: HttpMethod,
    operation: OperationBuilder,
    body: Option<RequestBodyBuilder>,
    /// How a body may be compressed.
    encodings: &'static [&'static str],
    done: Vec<(Done, ResponseBuilder)>,
    problems: Problems,
    /// Whether a browser is told of problems by a page.
    for_people: bool,
}

/// Begins with a route: its method, its path, its name for programs and what it does in few words.
pub(super) fn route(method: &Method, path: &'static str, name: &'static str, summary: &'static str) -> Route {
    let method = match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    };
    Route {
        path,
        method,
        operation: OperationBuilder::new().operation_id(Some(name)).summary(Some(summary)),
        body: None,
        encodings: &["gzip", "zstd", "deflate", "identity"],
        done: Vec::new(),
        problems: Problems::of_any(),
        for_people: false,
    }
}

impl Route {
    /// What else is to be known.
    pub(super) fn told(mut self, description: &'static str) -> Self {
        self.operation = self.operation.description(Some(description));
        self
    }

    /// Under which heading.
    pub(super) fn under(mut self, tag: &'static str) -> Self {
        self.operation = self.operation.tag(tag);
        self
    }

    /// Who takes `text/html` is told of problems by a page.
    pub(super) fn for_people(self) -> Self {
        Route {
            for_people: true,
            ..self
        }
    }

    /// Nobody is asked for a key here.
    pub(super) fn without_key(mut self) -> Self {
        let nothing: [SecurityRequirement; 0] = [];
        self.operation = self.operation.securities(Some(nothing));
        self
    }

    /// A name in the path.
    pub(super) fn within(self, name: &'static str, shape: impl Into<Shape>, description: &'static str) -> Self {
        self.parameter(ParameterIn::Path, name, shape, description)
    }

    /// A parameter behind the path, which may be left out.
    pub(super) fn with(self, name: &'static str, shape: impl Into<Shape>, description: &'static str) -> Self {
        self.parameter(ParameterIn::Query, name, shape, description)
    }

    /// A header, which may be left out.
    pub(super) fn header(self, name: &'static str, shape: impl Into<Shape>, description: &'static str) -> Self {
        self.parameter(ParameterIn::Header, name, shape, description)
    }

    fn parameter(
        mut self,
        place: ParameterIn,
        name: &'static str,
        shape: impl Into<Shape>,
        description: &'static str,
    ) -> Self {
        let required = if place == ParameterIn::Path {
            Required::True
        } else {
            Required::False
        };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(description))
            .schema(Some(shape));
        self.operation = self.operation.parameter(parameter.build());
        self
    }

    /// What the data of an event equals: a parameter whose own name is the pointer.
    pub(super) fn with_data(mut self) -> Self {
        let parameter = ParameterBuilder::new()
            .name("data")
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(
                "`/pointer=value`: what a place in the data equals; the parameter's own name is the pointer",
            ))
            .style(Some(ParameterStyle::Form))
            .explode(Some(true))
            .schema(Some(map(text())));
        self.operation = self.operation.parameter(parameter.build());
        self
    }

    /// A body of one of these kinds.
    pub(super) fn takes(mut self, kinds: impl IntoIterator<Item = (Media, Shape)>) -> Self {
        let mut body = self
            .body
            .unwrap_or_else(|| RequestBodyBuilder::new().required(Some(Required::True)));
        for (media, shape) in kinds {
            body = body.content(media.as_str(), Content::new(Some(shape)));
        }
        self.body = Some(body);
        self
    }

    /// How its body may be compressed, where that is not as everywhere.
    pub(super) fn compressed_by(self, encodings: &'static [&'static str]) -> Self {
        Route { encodings, ..self }
    }

    /// JSON like this, from whoever sends it.
    pub(super) fn takes_json(mut self, shape: impl Into<Shape>) -> Self {
        self.problems.of_json();
        self.takes([(Media::Json, shape.into())])
    }

    /// What comes back where all went well.
    pub(super) fn answers(self, shape: impl Into<Shape>, description: &'static str) -> Self {
        self.answers_as(Done::Ok, "application/json", shape, description)
    }

    /// The same with another status or content type.
    pub(super) fn answers_as(
        mut self,
        done: Done,
        content_type: &'static str,
        shape: impl Into<Shape>,
        description: &'static str,
    ) -> Self {
        let content = Content::new(Some(shape));
        if let Some((known, response)) = self.done.pop_if(|(known, _)| *known == done) {
            self.done.push((known, response.content(content_type, content)));
            return self;
        }
        let response = ResponseBuilder::new()
            .description(description)
            .content(content_type, content);
        self.done.push((done, response));
        self
    }

    /// An answer without a body.
    pub(super) fn answers_nothing(mut self, done: Done, description: &'static str) -> Self {
        self.done.push((done, ResponseBuilder::new().description(description)));
        self
    }

    /// What its last answer says in a header.
    pub(super) fn saying(mut self, name: &'static str, shape: impl Into<Shape>, description: &'static str) -> Self {
        if let Some((done, response)) = self.done.pop() {
            let header = HeaderBuilder::new().schema(Some(shape)).description(Some(description));
            self.done.push((done, response.header(name, header.build())));
        }
        self
    }

    /// Reasons that only some routes have.
    pub(super) fn refuses(mut self, reasons: &[Reason]) -> Self {
        self.problems.reasons(reasons);
        self
    }

    /// What this route can find wrong, as a whole group of codes.
    pub(super) fn finds(mut self, group: fn(&mut Problems)) -> Self {
        group(&mut self.problems);
        self
    }

    /// The finished operation, and where it belongs.
    pub(super) fn finish(mut self) -> (&'static str, PathItem) {
        if self.body.is_some() {
            let known = word(self.encodings.iter().copied());
            self = self.header("Content-Encoding", known, "How the body is compressed");
        }
        let Route {
            path,
            method,
            operation,
            body,
            encodings: _,
            done,
            problems,
            for_people,
        } = self;
        let operation = operation.request_body(body.map(RequestBody::from));
        let operation = done.into_iter().fold(operation, |operation, (done, response)| {
            operation.response(done.status().to_string(), response.build())
        });
        let operation = problems
            .responses()
            .fold(operation, |operation, (status, mut response)| {
                if for_people {
                    let page = RefOr::T(Content::new(Some(text())));
                    response.content.insert("text/html".to_owned(), page);
                }
                operation.response(status, response)
            });
        let operation: Operation = operation.build();
        (path, PathItem::new(method, operation))
    }
}
