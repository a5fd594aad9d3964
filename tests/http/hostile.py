#!/usr/bin/env python3
"""Attacks the HTTP side of a daemon, and says what was not answered as it must be.

    AGDB=build/release/agdb tests/http/hostile.py [WORDS OF AN ATTACK'S NAME ...]
"""

import sys

from attack import ATTACKS, Tries
from victim import Victim
import attacks_message  # noqa: F401
import attacks_target  # noqa: F401
import attacks_content  # noqa: F401
import attacks_live  # noqa: F401
import attacks_stranger  # noqa: F401


def run(name, function, victim, document):
    tries = Tries(victim, document)
    function(tries)
    if not tries.tried:
        tries.surprises.append("  nothing was tried")
    tries.surprises += [f"  afterwards {trouble}" for trouble in victim.troubles()]
    good = tries.tried - len(tries.surprises)
    print(f"{name:52} {tries.tried:5} tried {max(good, 0):5} as expected", flush=True)
    for surprise in tries.surprises:
        print(surprise)
    return tries.tried, len(tries.surprises)


def main(words):
    chosen = [(name, function) for name, function in ATTACKS if all(word in name for word in words)]
    if not chosen:
        sys.exit("there is no such attack")
    with Victim() as victim:
        victim.fill()
        victim.begin()
        document = victim.get("/v1/openapi.json").json()
        victim.settle()
        results = [run(name, function, victim, document) for name, function in chosen]
        troubles = list(victim.end())
    for trouble in troubles:
        print(trouble)
    tried, surprises = (sum(column) for column in zip(*results))
    surprises += len(troubles)
    print(f"{len(chosen)} attacks, {tried} requests, {surprises} surprises")
    return 1 if surprises else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
