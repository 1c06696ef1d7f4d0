"""A board program in the manner of `virtual-board`: serves a pseudo-terminal linked at --link, and echoes.

What it noticed goes to standard error: "open" and "closed" when its host came and went. With --deaf it never reads;
with --say N it sends N bytes as soon as it is opened.
"""

import argparse
import os
import select
import sys
import tty

parser = argparse.ArgumentParser()
parser.add_argument("--link", required=True)
parser.add_argument("--exit-with-parent", action="store_true")
parser.add_argument("--deaf", action="store_true")
parser.add_argument("--fail", action="store_true")
parser.add_argument("--say", type=int, default=0)
arguments = parser.parse_args()
if arguments.fail:
    sys.exit(3)
leader, follower = os.openpty()
tty.setraw(follower)
os.symlink(os.ttyname(follower), arguments.link)
os.close(follower)

is_open = False
while True:
    # A closed pseudo-terminal reports its hang-up over and over, so it is looked at every 20 ms.
    wanted = [0] if arguments.exit_with_parent else []
    ready, _, _ = select.select(wanted + ([leader] if is_open and not arguments.deaf else []), [], [], 0.02)
    if 0 in ready:
        sys.exit(0)
    poll = select.poll()
    poll.register(leader, select.POLLHUP)
    was_open, is_open = is_open, not poll.poll(0)
    if is_open != was_open:
        print("open" if is_open else "closed", file=sys.stderr, flush=True)
        if is_open:
            os.write(leader, bytes(arguments.say))
    if leader in ready and is_open:
        os.write(leader, os.read(leader, 4096))
