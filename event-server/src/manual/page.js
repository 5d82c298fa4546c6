"use strict";
// Light or dark as everything else on the reader's machine is, also when that changes.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  domNode: document.getElementById("page"),
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  // A key stays in the memory of this page, and goes with it.
  persistAuthorization: false,
  syntaxHighlight: { activated: false },
  validatorUrl: null,
});
