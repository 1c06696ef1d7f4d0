"""What the model adds to the instructions: exceptions, masks, sleep, faults, protection, resets (Armv7-M ARM B1, B3)."""

from __future__ import annotations

import pytest
from nrf52840 import CYCLE, MICROSECOND, MILLISECOND, Machine, Reason
from nrf52840.image import Segment, elf

from .program import RESULTS, assemble, results, run, start

FIRST, SECOND_ = 16, 17
#: Enables interrupts 0 and 1, which nobody else uses here, with the priorities 0x40 and 0x20; r4 has RESULTS.
TWO_INTERRUPTS = """
    ldr r4, =RESULTS
    movs r0, #0
    str r0, [r4]
    ldr r1, =NVIC_PRIORITY
    ldr r0, =0x2040
    strh r0, [r1]
    ldr r1, =NVIC_ENABLE
    movs r0, #3
    str r0, [r1]
    ldr r5, =NVIC_PEND
"""
#: Adds its digit to the number in RESULTS.
NOTE = """
    ldr r0, [r4]
    movs r1, #10
    mul r0, r0, r1
    adds r0, #{digit}
    str r0, [r4]
"""


def note(digit: int) -> str:
    return NOTE.format(digit=digit)


def test_a_more_urgent_interrupt_preempts_and_a_less_urgent_one_waits() -> None:
    code = f"""
    reset: {TWO_INTERRUPTS}
        movs r6, #2
        movs r7, #0
        movs r0, #1
        str r0, [r5]
        {note(9)}
        b .
    first: {note(1)}
        str r6, [r5]
        {note(2)}
        bx lr
    second: {note(3)}
        movs r0, #1
        str r0, [r5]
        movs r6, #0
        {note(4)}
        bx lr
    """
    # The second preempts the first, and asks for it again; that comes when the first has ended.
    assert run(code, {FIRST: "first", SECOND_: "second"}) == [1342129]


def test_equal_groups_do_not_preempt_each_other() -> None:
    code = f"""
    reset: {TWO_INTERRUPTS}
        ldr r1, =SCB_AIRCR
        ldr r0, =0x05FA0700
        str r0, [r1]
        movs r0, #1
        str r0, [r5]
        {note(9)}
        b .
    first: {note(1)}
        movs r0, #2
        str r0, [r5]
        {note(2)}
        bx lr
    second: {note(3)}
        bx lr
    """
    assert run(code, {FIRST: "first", SECOND_: "second"}) == [1239]


@pytest.mark.parametrize("mask, unmask", [
    ("cpsid i", "cpsie i"), ("cpsid f", "cpsie f"),
    ("movs r0, #0x20\n msr basepri, r0", "movs r0, #0\n msr basepri, r0")])
def test_what_a_mask_held_back_is_taken_at_the_instruction_that_lifts_it(mask: str, unmask: str) -> None:
    code = f"""
    reset: {TWO_INTERRUPTS}
        {mask}
        movs r0, #3
        str r0, [r5]
        {note(1)}
        movs r7, #5
        {unmask}
        movs r7, #6
        b .
    first: {note(2)}
        bx lr
    second: {note(3)}
        str r7, [r4, #4]
        bx lr
    """
    assert run(code, {FIRST: "first", SECOND_: "second"}, 2) == [132, 5]


def test_an_interrupt_in_an_it_block_comes_before_or_after_it_and_nothing_is_lost() -> None:
    code = f"""
    reset: {TWO_INTERRUPTS}
        movs r6, #0
        movs r7, #0
        movs r0, #1
        str r0, [r5]
    again: cmp r0, r0
        itttt eq
        addeq r6, #1
        addeq r6, #1
        addeq r6, #1
        addeq r6, #1
        adds r7, #4
        cmp r7, #4000
        bne again
        subs r6, r7
        str r6, [r4, #4]
        b .
    first: ldr r0, [r4]
        adds r0, #1
        str r0, [r4]
        cmp r0, #200
        itt ne
        movne r1, #1
        strne r1, [r5]
        bx lr
    """
    assert run(code, {FIRST: "first"}, 2) == [200, 0]


def test_floating_point_registers_survive_a_handler_that_uses_them() -> None:
    code = f"""
    reset:
        ldr r1, =SCB_CPACR
        ldr r0, =0xF00000
        str r0, [r1]
        {TWO_INTERRUPTS}
        mov r6, sp
        vmov.f32 s0, #1.0
        vmov.f32 s15, #2.0
        vmov.f32 s16, #3.0
        movs r0, #1
        str r0, [r5]
        vadd.f32 s0, s0, s15
        vadd.f32 s0, s0, s16
        vstr s0, [r4]
        mov r0, sp
        subs r0, r6
        str r0, [r4, #12]
        b .
    first:
        str lr, [r4, #4]
        mov r0, sp
        subs r0, r6, r0
        str r0, [r4, #8]
        vpush {{s16}}
        vmov.f32 s0, #9.0
        vmov.f32 s15, #9.0
        vmov.f32 s16, #9.0
        vpop {{s16}}
        bx lr
    """
    # 6.0; a frame with floating-point state, of 26 words; and a stack that is where it was.
    assert run(code, {FIRST: "first"}, 4) == [0x40C0_0000, 0xFFFF_FFE9, 104, 0]


def test_a_handler_of_a_program_without_floating_point_gets_a_small_frame() -> None:
    code = f"""
    reset: {TWO_INTERRUPTS}
        mov r6, sp
        movs r0, #1
        str r0, [r5]
        b .
    first:
        str lr, [r4, #4]
        mov r0, sp
        subs r0, r6, r0
        str r0, [r4]
        bx lr
    """
    assert run(code, {FIRST: "first"}, 2) == [32, 0xFFFF_FFF9]


def test_a_thread_on_its_own_stack_goes_on_there() -> None:
    code = f"""
    reset: {TWO_INTERRUPTS}
        ldr r0, =0x20008000
        msr psp, r0
        movs r0, #2
        msr control, r0
        isb
        movs r0, #1
        str r0, [r5]
        svc #0
        mrs r0, psp
        str r0, [r4, #4]
        mov r0, sp
        str r0, [r4, #8]
        b .
    first: {note(1)}
        bx lr
    call:
        str lr, [r4, #12]
        {note(2)}
        bx lr
    """
    assert run(code, {FIRST: "first", 11: "call"}, 4) == [12, 0x2000_8000, 0x2000_8000, 0xFFFF_FFFD]


def test_sleep_ends_by_an_interrupt_even_a_masked_one_and_takes_its_time() -> None:
    code = """
    .equ TIMER0, 0x40008000
    reset:
        ldr r4, =RESULTS
        ldr r2, =TIMER0 + 0x508
        movs r0, #3
        str r0, [r2]
        ldr r2, =TIMER0 + 0x540
        ldr r0, =1000
        str r0, [r2]
        ldr r2, =TIMER0 + 0x304
        ldr r0, =0x10000
        str r0, [r2]
        ldr r2, =NVIC_ENABLE
        ldr r0, =0x100
        str r0, [r2]
        cpsid i
        movs r0, #1
        ldr r2, =TIMER0
        str r0, [r2]
        wfi
        movs r0, #7
        str r0, [r4]
        b .
    """
    machine = start(code)
    machine.run_for(999 * MICROSECOND)
    assert machine.core.sleeping
    machine.run_for(2 * MICROSECOND)
    assert results(machine, 1) == [7]
    assert 995 * MICROSECOND < machine.core.slept < 1000 * MICROSECOND


def test_an_event_sent_before_is_not_slept_through() -> None:
    code = """
    reset:
        ldr r4, =RESULTS
        sev
        wfe
        movs r0, #1
        str r0, [r4]
        wfe
        movs r0, #2
        str r0, [r4]
        b .
    """
    assert run(code) == [1]


def test_a_disabled_interrupt_that_becomes_pending_is_an_event_if_the_program_says_so() -> None:
    code = """
    reset:
        ldr r4, =RESULTS
        ldr r1, =SCB_SCR
        movs r0, #0x10
        str r0, [r1]
        ldr r1, =NVIC_PEND
        movs r0, #1
        str r0, [r1]
        wfe
        str r0, [r4]
        b .
    """
    assert run(code) == [1]


FAULT = """
    fault:
        ldr r4, =RESULTS
        mrs r0, ipsr
        ldr r1, =0xE000ED28
        ldr r1, [r1]
        ldr r2, =0xE000ED38
        ldr r2, [r2]
        ldr r3, [sp, #24]
        stmia r4!, {r0-r3}
        b .
"""


@pytest.mark.parametrize("instruction, status", [
    ("udf #1", 0x1_0000), ("ldr r0, [r7]", 0x8200), ("str r0, [r7]", 0x8200), ("vadd.f32 s0, s0, s0", 0x8_0000),
    ("bx r6", 0x2_0000)])
def test_faults_tell_what_happened_and_where(instruction: str, status: int) -> None:
    code = f"reset: ldr r7, =0x30000000\n movs r6, #0\n nop\n nop\n here: {instruction}\n b .\n {FAULT}"
    program = assemble(code, {3: "fault"})
    exception, found, address, pc = run(code, {3: "fault"}, 4)
    assert (exception, found) == (3, status)
    if status == 0x8200:
        assert address == 0x3000_0000
    if status != 0x2_0000:
        assert program[pc - 4:pc] == b"\x00\xbf\x00\xbf"


def test_a_fault_goes_to_its_own_handler_if_that_is_on() -> None:
    code = f"reset: ldr r1, =SCB_SHCSR\n ldr r0, =0x70000\n str r0, [r1]\n udf #1\n {FAULT}"
    assert run(code, {6: "fault"}, 2) == [6, 0x1_0000]


@pytest.mark.parametrize("access", ["str r0, [r7]", "bx r6"])
def test_protection_keeps_the_program_from_writing_flash_and_executing_ram(access: str) -> None:
    protect = """
        ldr r1, =MPU_RNR
        movs r0, #0
        str r0, [r1]
        ldr r1, =MPU_RBAR
        str r0, [r1]
        ldr r1, =MPU_RASR
        ldr r0, =0x06020039
        str r0, [r1]
        ldr r1, =MPU_RBAR
        ldr r0, =0x20000011
        str r0, [r1]
        ldr r1, =MPU_RASR
        ldr r0, =0x13020039
        str r0, [r1]
        ldr r1, =MPU_CTRL
        movs r0, #5
        str r0, [r1]
    """
    code = f"reset: {protect} ldr r7, =0x8000\n ldr r6, =0x20002001\n {access}\n b .\n {FAULT}"
    exception, status = run(code, {3: "fault"}, 2)
    assert (exception, status) == (3, 0x82 if "str" in access else 0x01)


def test_a_stack_that_leaves_ram_is_a_fault_and_without_a_stack_for_that_a_lock_up_that_resets() -> None:
    machine = start(f"reset: ldr r0, =0x20000010\n mov sp, r0\n svc #0\n b .\n {FAULT}", {3: "fault", 11: "fault"})
    machine.run_for(MILLISECOND)
    assert machine.resets[:2] == [None, Reason.LOCK_UP]


def test_a_software_reset_keeps_ram_and_the_retained_register_and_says_so() -> None:
    code = f"""
    reset:
        ldr r4, =RESULTS
        ldr r1, =0x40000400
        ldr r0, [r1]
        cmp r0, #4
        beq second
        ldr r2, ={RESULTS + 16}
        ldr r0, =0x12345678
        str r0, [r2]
        ldr r1, =0x4000051C
        movs r0, #0xB0
        str r0, [r1]
        ldr r1, =SCB_AIRCR
        ldr r0, =0x05FA0004
        str r0, [r1]
        b .
    second:
        ldr r2, =0x4000051C
        ldr r1, [r2]
        stmia r4!, {{r0, r1}}
        b .
    """
    machine = start(code)
    machine.run_for(MILLISECOND)
    assert results(machine, 2) == [4, 0xB0]
    assert machine.memory.word(RESULTS + 16) == 0x1234_5678
    assert machine.resets == [None, Reason.SOFTWARE]


def test_a_line_that_rises_again_in_its_handler_makes_that_run_again() -> None:
    code = f"""
    .equ EGU0, 0x40014000
    reset:
        {TWO_INTERRUPTS}
        ldr r0, =0x100000
        ldr r1, =NVIC_ENABLE
        str r0, [r1]
        movs r7, #1
        ldr r6, =EGU0
        ldr r0, =EGU0 + 0x300
        str r7, [r0]
        str r7, [r6]
        b .
    triggered:
        {note(1)}
        movs r1, #0
        ldr r2, =EGU0 + 0x100
        str r1, [r2]
        cmp r7, #1
        itt eq
        streq r7, [r6]
        streq r1, [r2]
        movs r7, #2
        bx lr
    """
    assert run(code, {36: "triggered"}) == [11]


def test_vectors_may_be_in_ram() -> None:
    code = f"""
    reset:
        ldr r4, =RESULTS
        ldr r0, =0x20004000
        ldr r1, =call + 1
        str r1, [r0, #44]
        ldr r1, =0xE000ED08
        str r0, [r1]
        movs r0, #0
        str r0, [r4]
        svc #0
        {note(2)}
        b .
    call: {note(1)}
        bx lr
    """
    assert run(code) == [12]


def test_time_is_instructions() -> None:
    machine = start("reset: nop\n nop\n b reset")
    machine.run_for(1000 * CYCLE)
    assert machine.core.instructions == 1000
    assert machine.now == 1000 * CYCLE


def test_programs_come_from_elf_as_they_do_from_raw_files() -> None:
    header = bytearray(84)
    header[:4], header[28:32], header[42:46] = b"\x7fELF", (52).to_bytes(4, "little"), b"\x20\x00\x01\x00"
    for place, value in ((52, 1), (56, 80), (64, 0x1_0000), (68, 4)):
        header[place:place + 4] = value.to_bytes(4, "little")
    header[80:84] = b"code"
    assert elf(bytes(header)) == [Segment(0x1_0000, b"code")]


def test_a_machine_is_off_until_it_gets_power() -> None:
    machine = Machine()
    machine.run_for(MILLISECOND)
    assert machine.core.instructions == 0
