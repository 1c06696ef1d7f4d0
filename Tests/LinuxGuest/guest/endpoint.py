"""Where a server is, on a command line. Beside the programs that run in the guest, which import it."""

import argparse


def endpoint(text):
    """HOST:PORT as a pair."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text} is not HOST:PORT")
    return host, int(port)
