#include "error.h"
#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, int code, const char *format, ...)
{
	va_list arguments;

	if (error == NULL)
		return code;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return code;
}

void text_add(char *text, unsigned long size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, size - used, format, arguments);
	va_end(arguments);
}

const char *text_printable(char *buffer, unsigned long size, const char *text)
{
	size_t used = 0;
	const char *end = text + strlen(text);

	while (text < end) {
		uint32_t character;
		size_t length = utf8_decode(text, end, &character);
		char escaped[sizeof("\\xNN")];

		if (length == 0 || utf8_is_control(character)) {
			snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned char)*text);
			if (used + strlen(escaped) >= size)
				break;
			memcpy(buffer + used, escaped, strlen(escaped));
			used += strlen(escaped);
			text++;
			continue;
		}
		if (used + length >= size)
			break;
		memcpy(buffer + used, text, length);
		used += length;
		text += length;
	}
	buffer[used] = '\0';
	return buffer;
}
