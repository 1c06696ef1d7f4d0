"""What a test wants of its board."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Setting:
    options: tuple = ()
    acl_length: int = 251


OPEN = Setting(("--pairing", "open"))
OPEN_SHORT = Setting(("--pairing", "open"), acl_length=27)
REFUSED = Setting(("--pairing", "refused"))
JUST_WORKS = Setting(("--pairing", "just-works"))
PASSKEY = Setting(("--pairing", "passkey"))
CABLE_SECRET = bytes(range(0x30, 0x40))
CABLE = Setting(("--pairing", "cable", "--cable-secret", CABLE_SECRET.hex()))
CABLE_UNKNOWN = Setting(("--pairing", "cable"))
# A board with its cable plugged in: the name is made to lie in the board's folder.
PLUGGED = Setting(("--pairing", "open", "--link", "{folder}/cable"))
PLUGGED_CABLE = Setting(("--pairing", "cable", "--link", "{folder}/cable"))


def group():
    """A list of tests, and the decorator that puts a test in it."""
    tests = []

    def test(setting=OPEN):
        def put(function):
            tests.append((function.__name__.replace("_", " "), setting, function))
            return function
        return put

    return tests, test
