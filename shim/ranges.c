#include "ranges.h"
#include "error.h"

#include <string.h>

void ranges_end(struct ranges *ranges)
{
	static const char most[] = ",4294967295-4294967295,...";
	size_t used = strlen(ranges->text);

	if (!ranges->open)
		return;
	ranges->open = false;
	if (used + sizeof(most) > sizeof(ranges->text)) {
		if (ranges->text[used - 1] != '.')
			strcat(ranges->text, ",...");
		return;
	}
	text_add(ranges->text, sizeof(ranges->text), "%s%u", used > 0 ? "," : "", ranges->first);
	if (ranges->last > ranges->first)
		text_add(ranges->text, sizeof(ranges->text), "-%u", ranges->last);
}

void ranges_add(struct ranges *ranges, unsigned int number)
{
	if (ranges->open && number == ranges->last + 1) {
		ranges->last = number;
		return;
	}
	ranges_end(ranges);
	ranges->first = ranges->last = number;
	ranges->open = true;
}
