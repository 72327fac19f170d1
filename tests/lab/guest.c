/*
 * A guest for the lab that has its memory: a kernel of its own (multiboot, version 1)
 * that writes to every page of the RAM above itself, says so on the first serial port,
 * and then sleeps. A key resets the machine, which is a reboot from inside.
 */
#include <stdint.h>

#define MULTIBOOT_MAGIC "0x1badb002"
#define MULTIBOOT_WANT_MEMORY "2" /* mem_lower and mem_upper are to be told */
#define CODE_SELECTOR 8           /* the second entry of the GDT below */
#define KIB 1024u
#define PAGE_BYTES (4 * KIB)
#define UPPER_MEMORY (1024 * KIB) /* where mem_upper begins to count */

/* I/O ports of a PC. */
#define PIC_COMMAND 0x20
#define PIC_DATA 0x21
#define PIC_SECOND_DATA 0xa1
#define KEYBOARD_DATA 0x60
#define KEYBOARD_STATUS 0x64 /* when read; a command when written */
#define SERIAL 0x3f8
#define SERIAL_LINE_STATUS (SERIAL + 5)

#define KEYBOARD_FULL 0x01
#define KEY_RELEASED 0x80
#define KEYBOARD_RESET_MACHINE 0xfe
#define SERIAL_CAN_TAKE 0x20

/* The PIC's first interrupt, and the keyboard's. */
#define IRQ_FIRST 0x20
#define IRQ_KEYBOARD 1

/* What the boot loader tells ("Multiboot Specification version 0.6.96", 3.3). */
struct multiboot_info {
	uint32_t flags;
	uint32_t mem_lower_kib;
	uint32_t mem_upper_kib;
};

/* A gate of the IDT: "Intel SDM", volume 3, 6.11. */
struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t zero;
	uint8_t type;
	uint16_t offset_high;
};
#define GATE_OF_INTERRUPT 0x8e

struct table {
	uint16_t limit;
	uint32_t address;
} __attribute__((packed));

/* The loader enters at start, with the information's address in ebx, and without a
 * stack or a GDT that could be relied on. */
__asm__(".text\n"
	".balign 4\n"
	".long " MULTIBOOT_MAGIC ", " MULTIBOOT_WANT_MEMORY ", -(" MULTIBOOT_MAGIC
	" + " MULTIBOOT_WANT_MEMORY ")\n"
	".globl start\n"
	"start:\n"
	"	lgdt gdt_table\n"
	"	ljmp $8, $1f\n"
	"1:	mov $16, %eax\n"
	"	mov %eax, %ds\n"
	"	mov %eax, %es\n"
	"	mov %eax, %ss\n"
	"	mov $stack_end, %esp\n"
	"	push %ebx\n"
	"	call guest_main\n"
	"key_interrupt:\n"
	"	push %eax\n"
	"	mov $0x20, %al\n" /* the end of the interrupt */
	"	out %al, $0x20\n"
	"	pop %eax\n"
	"	iret\n"
	".balign 8\n"
	"gdt:	.quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff\n" /* flat: code, data */
	"gdt_table:\n"
	"	.word . - gdt - 1\n"
	"	.long gdt\n"
	".lcomm stack, 4096\n"
	".set stack_end, stack + 4096\n");

void guest_main(const struct multiboot_info *info);
void key_interrupt(void);
extern uint8_t _end[]; /* by the linker */

static struct gate gates[IRQ_FIRST + IRQ_KEYBOARD + 1];

static void port_write(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t port_read(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void text_write(const char *text)
{
	for (; *text; text++) {
		while (!(port_read(SERIAL_LINE_STATUS) & SERIAL_CAN_TAKE))
			;
		port_write(SERIAL, (uint8_t)*text);
	}
}

static void number_write(uint32_t number)
{
	char text[11];
	char *first = &text[sizeof(text) - 1];

	*first = '\0';
	do {
		*--first = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	text_write(first);
}

/* Writes to each page from the kernel's end to the end of the RAM. Returns the KiB. */
static uint32_t memory_touch(const struct multiboot_info *info)
{
	uint32_t first = ((uint32_t)_end + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	uint32_t end = UPPER_MEMORY + info->mem_upper_kib * KIB;
	uint32_t page;

	for (page = first; page < end; page += PAGE_BYTES)
		*(volatile uint32_t *)page = page;
	return (end - first) / KIB;
}

/* Of all interrupts, lets through that of the keyboard. */
static void interrupts_set_up(void)
{
	struct table table = {sizeof(gates) - 1, (uint32_t)gates};
	uint32_t handler = (uint32_t)key_interrupt;

	gates[IRQ_FIRST + IRQ_KEYBOARD] = (struct gate){
	    .offset_low = (uint16_t)handler,
	    .selector = CODE_SELECTOR,
	    .type = GATE_OF_INTERRUPT,
	    .offset_high = (uint16_t)(handler >> 16),
	};
	__asm__ volatile("lidt %0" : : "m"(table));

	/* 8259A: begin; the first vector; the second PIC is at input 2; 8086 mode. */
	port_write(PIC_COMMAND, 0x11);
	port_write(PIC_DATA, IRQ_FIRST);
	port_write(PIC_DATA, 1 << 2);
	port_write(PIC_DATA, 1);
	port_write(PIC_DATA, (uint8_t) ~(1 << IRQ_KEYBOARD));
	port_write(PIC_SECOND_DATA, 0xff);
}

/* Sleeps until a key is pressed. */
static void key_wait(void)
{
	for (;;) {
		/* sti holds interrupts off for one instruction more: none is missed. */
		while (!(port_read(KEYBOARD_STATUS) & KEYBOARD_FULL))
			__asm__ volatile("sti; hlt; cli");
		if (!(port_read(KEYBOARD_DATA) & KEY_RELEASED))
			return;
	}
}

void guest_main(const struct multiboot_info *info)
{
	text_write("lab-guest: started\n");
	interrupts_set_up();
	text_write("touched ");
	number_write(memory_touch(info));
	text_write(" KiB\n");
	key_wait();
	text_write("lab-guest: a key: reset\n");
	port_write(KEYBOARD_STATUS, KEYBOARD_RESET_MACHINE);
	for (;;)
		__asm__ volatile("hlt");
}
