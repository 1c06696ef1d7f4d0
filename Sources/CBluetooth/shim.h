// Debian: libbluetooth-dev. Of the library only structures and numbers of the kernel's sockets are used, nothing is
// linked. Its headers are under the GPL (version 2 or later): NOTICE says what that means for the program.
#include <sys/socket.h>

#include <bluetooth/bluetooth.h>
#include <bluetooth/l2cap.h>

#include <string.h>

// The macros below have casts and compound literals, which Swift does not import.

/// The address of an LE socket. `octets` are least significant first; `kind` is BDADDR_LE_PUBLIC or BDADDR_LE_RANDOM;
/// a PSM of 0 asks the kernel for a free one, and with the kind makes the socket one of credit-based channels.
static inline struct sockaddr_l2 cbluetooth_address(const unsigned char *octets, unsigned char kind, unsigned short psm) {
  struct sockaddr_l2 address;
  memset(&address, 0, sizeof address);
  address.l2_family = AF_BLUETOOTH;
  address.l2_psm = htobs(psm);
  memcpy(&address.l2_bdaddr, octets, sizeof address.l2_bdaddr);
  address.l2_bdaddr_type = kind;
  return address;
}

static const int cbluetooth_family = AF_BLUETOOTH;
static const int cbluetooth_l2cap = BTPROTO_L2CAP;
static const int cbluetooth_level = SOL_BLUETOOTH;
static const int cbluetooth_security = BT_SECURITY;
static const int cbluetooth_send_mtu = BT_SNDMTU;
static const int cbluetooth_receive_mtu = BT_RCVMTU;
static const unsigned char cbluetooth_security_medium = BT_SECURITY_MEDIUM;
static const unsigned char cbluetooth_security_high = BT_SECURITY_HIGH;
static const unsigned char cbluetooth_public = BDADDR_LE_PUBLIC;
static const unsigned char cbluetooth_random = BDADDR_LE_RANDOM;
