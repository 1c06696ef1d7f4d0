"""The test machine: a Debian guest under QEMU with a real kernel, systemd, udev, D-Bus and BlueZ."""
