#!/usr/bin/env python3
"""Checks Protocols/messages.cddl by an independent validator, the cddl-verifier package.

    check_cddl.py            every vector in Protocols/vectors/messages.json: the schema accepts what it should
                             accept, and refuses what it should refuse
    check_cddl.py FILE       the messages that somebody else wrote, one JSON object a line:
                             {"message": its name, "hex": its bytes}; the schema must accept all of them

The validator also checks that the CBOR is deterministic (RFC 8949, section 4.2.1).

Ends with 0 if all is well, 1 if not, 2 for a wrong call, 3 if cddl-verifier is not installed.
"""

import json
import pathlib
import sys

try:
    from cddl_verifier import Validator
except ImportError:
    print("cddl-verifier is not installed; python3 -m pip install -r Tests/Reference/requirements.txt",
          file=sys.stderr)
    sys.exit(3)

PROTOCOLS = pathlib.Path(__file__).resolve().parents[2] / "Protocols"

# Bodies of frames of their own; all other messages travel as control messages.
HANDSHAKE = {"greeting", "welcome", "refusal"}


class Schema:
    def __init__(self):
        self.validator = Validator((PROTOCOLS / "messages.cddl").read_text())

    def objection(self, item: dict) -> str | None:
        """What is wrong with a message; None if nothing is."""
        rule = item["message"] if item["message"] in HANDSHAKE else "control-message"
        result = self.validator.validate(bytes.fromhex(item["hex"]), root_type=rule, require_deterministic=True)
        if result.valid:
            return None
        return next((diagnostic.message for diagnostic in result.diagnostics), "refused")


def check_vectors(schema: Schema) -> int:
    vectors = json.loads((PROTOCOLS / "vectors" / "messages.json").read_text())
    faults, accepted, refused = 0, 0, 0
    for section, accepts in [("messages", True), ("tolerated", None), ("refused", None)]:
        for item in vectors[section]:
            expected = item["schema_accepts"] if accepts is None else accepts
            objection = schema.objection(item)
            if (objection is None) != expected:
                why = f" ({item['why']})" if "why" in item else ""
                print(f"{section}: {item['message']}{why} {item['hex']}: {objection or 'is accepted'}", file=sys.stderr)
                faults += 1
            accepted += objection is None
            refused += objection is not None
    print(f"{accepted} vectors fit the schema, {refused} do not; {faults} of them should not be so")
    return faults


def check_messages(schema: Schema, file: str) -> int:
    faults = count = 0
    for number, line in enumerate(pathlib.Path(file).read_text().splitlines(), 1):
        item = json.loads(line)
        objection = schema.objection(item)
        if objection:
            print(f"{file}:{number}: {item['message']} {item['hex']}: {objection}", file=sys.stderr)
            faults += 1
        count += 1
    print(f"{count} messages checked, {faults} do not fit the schema")
    return faults if count else 1


def main() -> int:
    if len(sys.argv) > 2 or sys.argv[1:2] in (["-h"], ["--help"]):
        print(__doc__)
        return 0 if len(sys.argv) == 2 else 2
    schema = Schema()
    faults = check_messages(schema, sys.argv[1]) if len(sys.argv) == 2 else check_vectors(schema)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
