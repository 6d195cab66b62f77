#!/usr/bin/env python3
# test-introspection.py
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that language bindings can do whatever C can: what they cannot call has a twin that they can, and what they can call is
annotated so that they may trust it."""

import sys
import xml.etree.ElementTree as ET

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'

# What bindings have in place of what they cannot call. A word that is no symbol of ours says what the language has itself.
TWINS = {
    'TroupeFiberFunc': 'coroutines',
    'TroupeJsonProtocolClass.json_received': 'TroupeJsonProtocolClass.text_received',
    'troupe_actor_class_bind_fiber': 'coroutines',
    'troupe_async_cancel': 'troupe_promise_new_with_canceller',
    'troupe_async_ready': 'troupe_resolver_resolve_object',
    'troupe_await': 'coroutines',
    'troupe_factory_spawn': 'troupe_system_spawn_factory',
    'troupe_fiber_start': 'coroutines',
    'troupe_json_copy': 'JSON',
    'troupe_json_parse': 'JSON',
    'troupe_json_protocol_send': 'troupe_json_protocol_send_text',
    'troupe_json_protocol_steal_json': 'troupe_message_new_json_string',
    'troupe_message_get_boxed': 'troupe_message_get_value',
    'troupe_message_get_json': 'troupe_message_dup_json_string',
    'troupe_message_get_pointer': 'troupe_message_get_value',
    'troupe_message_new_boxed': 'troupe_message_new_value',
    'troupe_message_new_json': 'troupe_message_new_json_string',
    'troupe_message_new_pointer': 'troupe_message_new_value',
    'troupe_message_reply_boxed': 'troupe_message_reply_value',
    'troupe_message_reply_json': 'troupe_message_reply_json_string',
    'troupe_message_reply_pointer': 'troupe_message_reply_value',
    'troupe_message_steal_json': 'troupe_message_dup_json_string',
    'troupe_message_steal_pointer': 'troupe_message_get_value',
    'troupe_outcomes_get_boxed': 'troupe_outcomes_get_value',
    'troupe_outcomes_get_json': 'troupe_outcomes_dup_json_string',
    'troupe_outcomes_get_pointer': 'troupe_outcomes_get_value',
    'troupe_promise_get_boxed': 'troupe_promise_get_value',
    'troupe_promise_get_json': 'troupe_promise_dup_json_string',
    'troupe_promise_get_pointer': 'troupe_promise_get_value',
    'troupe_promise_return_boxed': 'troupe_promise_return_value',
    'troupe_promise_return_json': 'troupe_promise_return_json_string',
    'troupe_promise_return_pointer': 'troupe_promise_return_value',
    'troupe_promise_steal_json': 'troupe_promise_dup_json_string',
    'troupe_promise_steal_pointer': 'troupe_promise_get_value',
    'troupe_queue_put_pointer': 'troupe_queue_put',
    'troupe_resolver_resolve_boxed': 'troupe_resolver_resolve_value',
    'troupe_resolver_resolve_json': 'troupe_resolver_resolve_json_string',
    'troupe_resolver_resolve_pointer': 'troupe_resolver_resolve_value',
}
LANGUAGE = {'coroutines', 'JSON'}

# Callbacks of which nobody waits for an error: what they throw is printed by the binding.
CANNOT_FAIL = {'Canceller', 'TriggerFunc'}

CALLABLES = ('function', 'method', 'constructor', 'virtual-method', 'callback')


def tag(element):
    return element.tag.rsplit('}', 1)[1]


class Gir:
    def __init__(self, path):
        self.namespace = ET.parse(path).getroot().find(CORE + 'namespace')
        self.symbols = {}               # name in C: whether bindings have it
        self.hidden = {}                # name in C: the name in bindings of what stands in its place, or nothing
        self.callbacks = {}
        self.callables = []
        for child in self.namespace:
            self.collect(child, None)

    def collect(self, element, owner):
        if tag(element) in CALLABLES:
            self.collect_callable(element, owner)
        for child in element:
            if tag(child) in CALLABLES:
                self.collect(child, element)

    def collect_callable(self, element, owner):
        name = element.get(C + 'identifier') or element.get(C + 'type')
        if name is None and owner is not None:
            name = f'{owner.get(C + "type")}Class.{element.get("name")}'
        usable = element.get('introspectable') != '0' and element.get('shadowed-by') is None
        # Functions of a type that C sees as plain functions, too, are listed twice.
        self.symbols[name] = usable or self.symbols.get(name, False)
        if usable:
            self.hidden.pop(name, None)
            self.callables.append((name, element))
        elif not self.symbols[name]:
            self.hidden[name] = element.get('shadowed-by')
        if tag(element) == 'callback':
            self.callbacks[element.get('name')] = element

    def parameters(self, element):
        found = element.find(CORE + 'parameters')
        return found.findall(CORE + 'parameter') if found is not None else []


def check_twins(gir):
    for name, shadow in sorted(gir.hidden.items()):
        twin = TWINS.get(name)
        if shadow is not None:
            continue
        if twin is None:
            yield f'{name} cannot be called by bindings and has no twin'
        elif twin not in LANGUAGE and not gir.symbols.get(twin):
            yield f'the twin of {name}, {twin}, cannot be called either'
    for name in sorted(set(TWINS) - set(gir.hidden)):
        yield f'{name} needs no twin (any more)'


def check_parameters(gir):
    for name, element in gir.callables:
        parameters = gir.parameters(element)
        data = {int(p.get('closure')) for p in parameters if p.get('closure')}
        returned = element.find(CORE + 'return-value')
        for number, parameter in enumerate(parameters):
            kind = parameter.find(CORE + 'type')
            kind = kind.get('name') if kind is not None else None
            where = f'{parameter.get("name")} of {name}'
            if kind in gir.callbacks:
                if parameter.get('scope') != 'notified':
                    yield f'{where} is called later, but is not kept for that'
                if gir.callbacks[kind].get('throws') != '1' and kind not in CANNOT_FAIL:
                    yield f'{where} cannot throw'
            elif kind in ('gpointer', 'gconstpointer') and number not in data and tag(element) != 'callback':
                yield f'{where} is a pointer to nobody knows what'
        kind = returned.find(CORE + 'type') if returned is not None else None
        if kind is not None and kind.get('name') in ('gpointer', 'gconstpointer'):
            yield f'{name} returns a pointer to nobody knows what'


def main():
    if len(sys.argv) != 2:
        sys.exit('usage: test-introspection.py GIR')

    gir = Gir(sys.argv[1])
    complaints = [*check_twins(gir), *check_parameters(gir)]
    if complaints:
        sys.exit('\n'.join(complaints))


main()
