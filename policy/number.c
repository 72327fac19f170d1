#include "number.h"

size_t number_read(const char *text, unsigned int most, unsigned int *number)
{
	unsigned long long value = 0;
	size_t length = 0;

	while (text[length] >= '0' && text[length] <= '9') {
		value = value * 10 + (unsigned int)(text[length] - '0');
		length++;
		if (value > most)
			return 0;
	}
	if (length > 1 && text[0] == '0')
		return 0;
	*number = (unsigned int)value;
	return length;
}
