"""ECB and CCM: AES by DMA, and what Bluetooth makes of it (nRF52840 PS, "ECB", "CCM"; Core Specification Vol 6 Part E).

CCM's output is there at once when it was asked for, only its events take time: a program that generates its key stream
too late for the packet is not found out.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from .errors import NotModelled, Violation
from .peripheral import Peripheral, task
from .timeline import Appointment
from .units import MICROSECOND

#: A block of AES; the key stream of a short packet; the end of a packet's encryption after the last byte.
BLOCK_TIME, KEY_STREAM_TIME, CRYPT_TIME = 7 * MICROSECOND, 50 * MICROSECOND, 6 * MICROSECOND
CCM_ON = 2
#: Of MODE.
DECRYPTS, LONG_LENGTHS = 1 << 0, 1 << 24
#: Of the first header byte, what is authenticated: NESN, SN and MD change when a packet is sent again.
AUTHENTICATED = 0xE3
MIC = 4


def aes(key: bytes, block: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)


class BlockCipher(Peripheral):
    """Key, clear text, and the cipher text behind them, 16 bytes each."""

    blocks = ("ECB",)

    def reset(self) -> None:
        super().reset()
        self._under_way: Appointment | None = None

    @task("STARTECB")
    def start(self) -> None:
        at = self["ECBDATAPTR"]
        data = self.machine.memory.read(at, 48, "ECB")
        self._under_way = self.after(BLOCK_TIME, lambda: self._end(at, aes(data[:16], data[16:32])))

    def _end(self, at: int, block: bytes) -> None:
        self._under_way = None
        self.machine.memory.write(at + 32, block, "ECB")
        self.event("ENDECB")

    @task("STOPECB")
    def stop(self) -> None:
        if self._under_way is not None:
            self._under_way.call_off()
            self._under_way = None
            self.event("ERRORECB")


class PacketCipher(Peripheral):
    """CCM. AAR has the same registers' page and only keeps its registers here."""

    blocks = ("CCM", "AAR")

    def reset(self) -> None:
        super().reset()
        #: A packet is to be decrypted as the radio receives it.
        self._awaits_packet = False

    @property
    def _decrypts(self) -> bool:
        return bool(self["MODE"] & DECRYPTS)

    @task("KSGEN")
    def generate_key_stream(self) -> None:
        if self["ENABLE"] & 3 != CCM_ON:
            raise NotModelled("AAR, or CCM that is off")
        self._awaits_packet = False
        # The shortcut to CRYPT follows from the event, which comes too late for a packet that is read at once.
        if not self._decrypts and self["SHORTS"] & 1:
            self._encrypt()
        self.after(KEY_STREAM_TIME, lambda: self.event("ENDKSGEN"))

    @task("CRYPT")
    def crypt(self) -> None:
        if self._decrypts:
            self._awaits_packet = True
        elif not self["SHORTS"] & 1:
            self._encrypt()

    @task("STOP")
    def stop(self) -> None:
        self._awaits_packet = False

    def packet_received(self, at: int) -> None:
        """From the radio: a packet is in memory."""
        if not self._awaits_packet or at != self["INPTR"]:
            return
        self._awaits_packet = False
        header, body = self._input()
        self["MICSTATUS"] = 1
        if body:
            cipher, nonce = self._context()
            try:
                body = cipher.decrypt(nonce, body, bytes((header[0] & AUTHENTICATED,)))
            except InvalidTag:
                self["MICSTATUS"], body = 0, body[:-MIC]
        self._output(header, body)

    def _encrypt(self) -> None:
        header, body = self._input()
        if body:
            cipher, nonce = self._context()
            body = cipher.encrypt(nonce, body, bytes((header[0] & AUTHENTICATED,)))
        self._output(header, body)

    def _context(self) -> tuple[AESCCM, bytes]:
        """The key and the nonce: a packet counter of 39 bits, the direction above it, and the vector."""
        data = self.machine.memory.read(self["CNFPTR"], 33, "CCM")
        counter = int.from_bytes(data[16:21], "little") & (1 << 39) - 1 | (data[24] & 1) << 39
        return AESCCM(data[:16], tag_length=MIC), counter.to_bytes(5, "little") + data[25:33]

    def _input(self) -> tuple[bytes, bytes]:
        at = self["INPTR"]
        header = self.machine.memory.read(at, 3, "CCM")
        length = header[1] & 0x1F
        if self["MODE"] & LONG_LENGTHS:
            # A damaged packet may say any length: there is no more key stream than that.
            length = min(header[1], self["MAXPACKETSIZE"] + (MIC if self._decrypts else 0))
        return header, self.machine.memory.read(at + 3, length, "CCM")

    def _output(self, header: bytes, body: bytes) -> None:
        if len(body) > 0xFF:
            raise Violation(f"CCM is to make a packet of {len(body)} bytes")
        self.machine.memory.write(self["OUTPTR"], bytes((header[0], len(body), header[2])) + body, "CCM")
        self.after(CRYPT_TIME, lambda: self.event("ENDCRYPT"))
