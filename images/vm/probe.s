# The smallest guest that shows an accelerator to be good: it enters 64-bit mode with paging on and
# leaves through QEMU's debug-exit device. Where virtualisation is broken (nested, and not really
# there) the firmware still runs, and the switch below never returns.
#
# Loaded by QEMU as a multiboot kernel, in 32-bit protected mode with paging off.

        .section .multiboot, "a"
        .align  4
        .long   0x1BADB002              # magic
        .long   0                       # flags: no wishes
        .long   -0x1BADB002             # checksum

        .section .text
        .code32
        .globl  start
start:
        cli
        # One page of two megabytes, mapped onto itself, holds all there is.
        movl    $(directory_pointers + 0x3), map
        movl    $(directory + 0x3), directory_pointers
        movl    $0x83, directory
        movl    $map, %eax
        movl    %eax, %cr3
        movl    %cr4, %eax
        orl     $0x20, %eax             # physical address extension
        movl    %eax, %cr4
        movl    $0xC0000080, %ecx       # EFER
        rdmsr
        orl     $0x100, %eax            # long mode enable
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000001, %eax       # paging, protection
        movl    %eax, %cr0
        lgdt    descriptors_pointer
        ljmp    $8, $long_mode

        .code64
long_mode:
        movabsq $0x1122334455667788, %rax   # an instruction that exists in 64-bit mode only
        movl    $0x10, %eax
        outl    %eax, $0xf4             # QEMU exits with (0x10 << 1) | 1 = 33
1:      hlt
        jmp     1b

        .section .rodata
        .align  8
descriptors:
        .quad   0
        .quad   0x00AF9A000000FFFF      # 64-bit code
descriptors_pointer:
        .word   descriptors_pointer - descriptors - 1
        .long   descriptors

        .section .bss
        .align  4096
map:                .skip 4096
directory_pointers: .skip 4096
directory:          .skip 4096
