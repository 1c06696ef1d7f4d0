// Takes the chip over from the bootloader, which jumps here with much of what it used still running.
#include "CBoard.h"
#include "CNano33BLE.h"

// Register offsets of the nRF52840 Product Specification: UARTE, RTC, PWM, PPI, CLOCK, USBD.
enum {
  UARTE0 = 0x40002000,
  UARTE_STOPRX = 0x004,
  UARTE_STOPTX = 0x00C,
  UARTE_RXTO = 0x144,
  UARTE_INTENCLR = 0x308,
  UARTE_ENABLE = 0x500,
  RTC1 = 0x40011000,
  RTC_STOP = 0x004,
  RTC_INTENCLR = 0x308,
  RTC_EVTENCLR = 0x348,
  PPI_CHENCLR = 0x4001F508,
  PWM_ENABLE = 0x500,
  PWM_PSEL_OUT = 0x560,
  DISCONNECTED = 0xFFFFFFFF,
  CLOCK_TRACECONFIG = 0x4000055C,
  USBD_ENABLE = 0x40027500,
  USBD_USBPULLUP = 0x40027504,
  NVIC_ICER = 0xE000E180,
  NVIC_ICPR = 0xE000E280,
  // Reads of a register of the 16 MHz bus, until a receiver has surely stopped: some milliseconds.
  PATIENCE = 10000,
};

static const uint32_t PWMS[] = {0x4001C000, 0x40021000, 0x40022000, 0x4002D000};

// The serial port goes on writing to its buffer, which is in our memory. Its receiver says when it has stopped, if it
// ran at all.
void board_before_memory(void) {
  if (register_read(UARTE0 + UARTE_ENABLE) != 0) {
    register_write(UARTE0 + UARTE_INTENCLR, UINT32_MAX);
    register_write(UARTE0 + UARTE_RXTO, 0);
    register_write(UARTE0 + UARTE_STOPRX, 1);
    register_write(UARTE0 + UARTE_STOPTX, 1);
    for (unsigned i = 0; i < PATIENCE && register_read(UARTE0 + UARTE_RXTO) == 0; i++) {
    }
    register_write(UARTE0 + UARTE_ENABLE, 0);
  }
  // It says that it has left the bus; if it has not, it writes to memory as well.
  register_write(USBD_USBPULLUP, 0);
  register_write(USBD_ENABLE, 0);
  register_write(PPI_CHENCLR, UINT32_MAX);
  register_write(RTC1 + RTC_INTENCLR, UINT32_MAX);
  register_write(RTC1 + RTC_EVTENCLR, UINT32_MAX);
  register_write(RTC1 + RTC_STOP, 1);
  for (unsigned i = 0; i < sizeof PWMS / sizeof *PWMS; i++) {
    register_write(PWMS[i] + PWM_ENABLE, 0);
    for (uint32_t out = 0; out < 4; out++) register_write(PWMS[i] + PWM_PSEL_OUT + 4 * out, DISCONNECTED);
  }
  // The pin that feeds the sensors' pull-ups is not the debugger's.
  register_write(CLOCK_TRACECONFIG, 0);
  // The crystals of both clocks go on, if they run: the watchdog counts by the slow one.
  for (uint32_t bank = 0; bank < 2; bank++) {
    register_write(NVIC_ICER + 4 * bank, UINT32_MAX);
    register_write(NVIC_ICPR + 4 * bank, UINT32_MAX);
  }
}

uint16_t *example_table(void) {
  static uint16_t table[MOST_EXAMPLES];
  return table;
}
