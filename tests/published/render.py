"""Renders chat templates as the `transformers` library has jinja2 do it.

usage: render.py CONVERSATIONS.json TEMPLATE…      JSON lines: a template each, the texts in order

Its settings: blocks are trimmed and stripped, loops may be left, values cannot be changed, and
templates have `raise_exception`, `strftime_now`, a `tojson` that escapes no HTML, and a tag
`generation`. The clock stands still, as homebody's does.
"""
import json
import os
import sys
from datetime import datetime

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime(2024, 7, 26)


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_same"), [], [], body).set_lineno(line)

    def _same(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda form: NOW.strftime(form)
    return made


def main():
    with open(sys.argv[1], encoding="utf8") as file:
        conversations = json.load(file)
    made = environment()
    for path in sys.argv[2:]:
        with open(path, encoding="utf8") as file:
            template = made.from_string(file.read())
        texts = []
        for case in conversations:
            try:
                texts.append({"text": template.render(messages=case["messages"], **{"tools": None, **case["variables"]})})
            except Exception as error:  # whatever a template does wrong
                texts.append({"error": f"{type(error).__name__}: {error}"})
        print(json.dumps({"template": os.path.basename(path), "texts": texts}, ensure_ascii=False))


main()
