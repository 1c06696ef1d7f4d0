// What a tool reads of an image without running it: Protocols/firmware-image.md. The linker script places it and knows
// the numbers.
#include <stdint.h>

#include "CBoard.h"

extern uint8_t _image_format_and_board[], _image_start[], _image_length[];

struct ImageHeader {
  char magic[4];
  uint32_t format_and_board;  // the header's version, 1, in the low half
  uint32_t load_address;
  uint32_t length;
  char firmware[FIRMWARE_VERSION_LENGTH];
};
_Static_assert(sizeof(struct ImageHeader) == 32, "tools know where each field is");

__attribute__((section(".image_header"), used)) static const struct ImageHeader image_header = {
    .magic = {'F', 'B', 'I', 'M'},
    .format_and_board = (uint32_t)(uintptr_t)_image_format_and_board,
    .load_address = (uint32_t)(uintptr_t)_image_start,
    .length = (uint32_t)(uintptr_t)_image_length,
    .firmware = "0.1.0",
};

const uint8_t *firmware_version(void) { return (const uint8_t *)image_header.firmware; }
