"""Reads lines of `{"schema": …, "body": …}` and says what is wrong with each body by its JSON Schema."""

import json
import sys

import jsonschema_rs

for line in sys.stdin:
    given = json.loads(line)
    schema = json.load(open(given["schema"]))
    validator = jsonschema_rs.Draft202012Validator(schema)
    for error in validator.iter_errors(json.loads(given["body"])):
        print(f"{schema['title']}: {error.message} at {error.instance_path}")
