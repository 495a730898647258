/* Answers CPUID as a processor without AVX-512, AMX and AVX-VNNI does, so that libraries choose their AVX2 code.

   Linux lets a process have CPUID faulted (arch_prctl, ARCH_SET_CPUID) where the processor can; the fault is answered
   here. Bits are those of leaf 7 (Intel SDM, volume 2, CPUID). */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { ARCH_SET_CPUID = 0x1012 };

/* AVX512F, DQ, IFMA, PF, ER, CD, BW, VL | VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ | 4VNNIW, 4FMAPS, VP2INTERSECT, AMX, FP16 */
static const uint32_t LEAF7_EBX = 1u << 16 | 1u << 17 | 1u << 21 | 7u << 26 | 3u << 30;
static const uint32_t LEAF7_ECX = 1u << 1 | 1u << 6 | 3u << 11 | 1u << 14;
static const uint32_t LEAF7_EDX = 3u << 2 | 1u << 8 | 15u << 22;
/* Subleaf 1: AVX-VNNI, AVX512_BF16, AMX-FP16, AVX-IFMA | AVX-VNNI-INT8, AVX-NE-CONVERT */
static const uint32_t LEAF7_1_EAX = 3u << 4 | 1u << 21 | 1u << 23;
static const uint32_t LEAF7_1_EDX = 3u << 4;

static void answer(int signal_number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)registers[REG_RIP];
    uint32_t leaf = (uint32_t)registers[REG_RAX], subleaf = (uint32_t)registers[REG_RCX], a, b, c, d;

    if (code[0] != 0x0F || code[1] != 0xA2) {
        signal(signal_number, SIG_DFL);
        return;
    }
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    __cpuid_count(leaf, subleaf, a, b, c, d);
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    if (leaf == 7 && subleaf == 0) {
        b &= ~LEAF7_EBX;
        c &= ~LEAF7_ECX;
        d &= ~LEAF7_EDX;
    }
    if (leaf == 7 && subleaf == 1) {
        a &= ~LEAF7_1_EAX;
        d &= ~LEAF7_1_EDX;
    }
    registers[REG_RAX] = a;
    registers[REG_RBX] = b;
    registers[REG_RCX] = c;
    registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
    (void)info;
}

/* 0 where from now on CPUID is answered so, in this thread and those that it starts. */
int hide(void)
{
    struct sigaction action = { .sa_sigaction = answer, .sa_flags = SA_SIGINFO };
    return sigaction(SIGSEGV, &action, 0) ? -1 : (int)syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
}
