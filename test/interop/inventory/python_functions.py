"""What Python and Ansible make of many small inputs: one JSON object of lists in, one of answers out.

Values are tagged, because JSON does not tell 1 from 1.0: ["int", "1"], ["float", "1.0"], ["list", [...]] and so on;
["fails"] stands for an error.
"""

import ast
import datetime
import fnmatch
import json
import re
import shlex
import sys

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.utils.addresses import parse_address
from ansible.plugins.inventory import expand_hostname_range
from ansible.template import Templar


def tagged(value):
    if value is None:
        return ['null']
    if isinstance(value, bool):
        return ['bool', value]
    if isinstance(value, int):
        return ['int', str(value)]
    if isinstance(value, float):
        return ['float', repr(value)]
    if isinstance(value, str):
        return ['str', str(value)]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return ['date', value.isoformat()]
    if isinstance(value, dict):
        return ['map', [[tagged(key), tagged(member)] for key, member in value.items()]]
    if isinstance(value, (list, tuple)):
        return ['list', [tagged(member) for member in value]]
    return ['other', type(value).__name__]


def plain_scalar(text):
    return yaml.safe_load('- ' + text)[0]


def ini_value(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def address(text):
    return list(parse_address(text, allow_ranges=True))


def glob(pair):
    return bool(re.match(fnmatch.translate(pair[0]), pair[1]))


VARIABLES = {
    'number': 5, 'pi': 2.5, 'name': 'base', 'empty': '', 'flag': True, 'nothing': None, 'digits': '42',
    'list': [1, 'two', None], 'map': {'a': 1, 'b': {'c': 'deep'}}, 'nested': '{{ number }}', 'text': ' a,b ',
}


def template(text):
    return Templar(loader=DataLoader(), variables=VARIABLES).template(text)


def document(text):
    return DataLoader().load(text)


FUNCTIONS = {
    'document': document,
    'scalar': plain_scalar,
    'literal': ini_value,
    'words': lambda text: shlex.split(text, comments=True),
    'address': address,
    'range': lambda text: expand_hostname_range(text),
    'glob': glob,
    'template': template,
    'repr': lambda text: repr(json.loads(text)),
}


def answer(function, argument):
    try:
        return tagged(function(argument))
    except Exception:
        return ['fails']


questions = json.load(sys.stdin)
print(json.dumps({name: [answer(FUNCTIONS[name], one) for one in inputs] for name, inputs in questions.items()}))
