"""Answers questions about inventories with Debian's ansible-core, many in one process.

Reads a JSON list of jobs from standard input and prints a JSON list of answers. A job has `cwd`, `env`, `kind` and
`args`; each runs in a fork, so that Ansible's own start is paid for once.

kinds: inventory  the command ansible-inventory with these arguments
       hosts      the command ansible with these arguments (for --list-hosts)
       values     every variable of every host with its templates worked out; args are those of ansible-inventory
"""

import json
import os
import sys
import tempfile
import traceback

from ansible.cli.adhoc import AdHocCLI
from ansible.cli.inventory import INTERNAL_VARS, InventoryCLI
from ansible.errors import AnsibleUndefinedVariable
from ansible.parsing.ajson import AnsibleJSONEncoder
from ansible.template import Templar
from ansible.vars.hostvars import HostVars


def values(arguments):
    cli = InventoryCLI(['ansible-inventory', '--list', *arguments])
    cli.parse()
    loader, inventory, manager = cli._play_prereqs()
    HostVars(inventory=inventory, loader=loader, variable_manager=manager)
    result = {}
    for host in inventory.get_hosts():
        variables = manager.get_vars(host=host, stage='all')
        templar = Templar(loader=loader, variables=variables)
        answers = {}
        for name in variables:
            if name in INTERNAL_VARS or name in ('hostvars', 'vars', 'ansible_check_mode'):
                continue
            try:
                value = templar.template(variables[name])
                text = json.dumps(value, cls=AnsibleJSONEncoder, vault_to_text=True)
                answers[name] = {'value': json.loads(text)}
            except AnsibleUndefinedVariable as error:
                answers[name] = {'undefined': str(error)}
            except Exception as error:
                answers[name] = {'error': str(error)}
        result[host.name] = answers
    print(json.dumps(result))


def perform(job):
    os.chdir(job['cwd'])
    os.environ.clear()
    os.environ.update(job['env'])
    if job['kind'] == 'values':
        values(job['args'])
    elif job['kind'] == 'hosts':
        AdHocCLI.cli_executor(['ansible', *job['args']])
    else:
        InventoryCLI.cli_executor(['ansible-inventory', *job['args']])


def answer(job):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                perform(job)
                status = 0
            except SystemExit as stop:
                status = stop.code if isinstance(stop.code, int) else 1
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, waited = os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode('utf-8', 'replace'))
        return {'status': os.waitstatus_to_exitcode(waited), 'stdout': texts[0], 'stderr': texts[1]}


print(json.dumps([answer(job) for job in json.load(sys.stdin)]))
