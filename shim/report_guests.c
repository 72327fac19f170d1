#include "report_guests.h"
#include "guest_verdict.h"
#include "priority.h"
#include "report.h"

static json_t *report_wanted(const struct guest_state *state)
{
	const struct placement *wanted = &state->wanted;
	const struct rule *asked = &state->asked;
	int scheduler = priority_scheduler(asked);

	if (!state->wanted_known)
		return json_null();
	return json_pack("{s:o, s:o, s:I, s:o, s:o, s:o}", "cpus",
			 wanted->sets_cpus ? report_set(&wanted->cpus) : json_null(), "memory",
			 wanted->sets_memory ? report_policy(wanted) : json_null(), "huge_page",
			 (json_int_t)asked->huge_page, "nice",
			 asked->nice_given ? json_integer(asked->nice) : json_null(), "scheduler",
			 scheduler >= 0 ? json_string(priority_scheduler_name(scheduler))
					: json_null(),
			 "realtime", scheduler >= 0 ? json_integer(asked->realtime) : json_null());
}

static json_t *report_thread(const struct guest_state *state, const struct guest_thread *thread)
{
	const struct priority *priority = &thread->stat.priority;

	return json_pack("{s:i, s:o, s:o, s:o, s:i, s:i, s:s, s:i, s:o}", "id", (int)thread->id,
			 "name", report_string(thread->stat.name), "vcpu",
			 thread->vcpu >= 0 ? json_integer(thread->vcpu) : json_null(), "cpus",
			 report_set(&thread->cpus), "cpu", (int)thread->stat.processor, "nice",
			 priority->nice, "scheduler", priority_scheduler_name(priority->scheduler),
			 "realtime", priority->realtime, "placed",
			 state->wanted_known ? json_boolean(guest_thread_is_placed(state, thread))
					     : json_null());
}

static json_t *report_pages(const struct guest_state *state)
{
	const struct guest_pages *pages = &state->pages;
	double share = guest_state_share(state);
	json_t *nodes;

	if (!state->pages_known)
		return json_null();
	nodes = json_array();
	for (size_t i = 0; i < pages->count; i++)
		json_array_append_new(
		    nodes, json_pack("{s:i, s:I, s:I}", "node", (int)pages->nodes[i].node, "pages",
				     (json_int_t)pages->nodes[i].pages, "huge_pages",
				     (json_int_t)pages->nodes[i].huge_pages));
	return json_pack("{s:s, s:I, s:I, s:I, s:b, s:o, s:o}", "policy", pages->policy, "bytes",
			 (json_int_t)guest_pages_on(pages, NULL), "page", (json_int_t)pages->page,
			 "huge_page", (json_int_t)pages->huge_page, "sampled", pages->sampled,
			 "nodes", nodes, "on_wanted_nodes",
			 share >= 0 ? json_real(share) : json_null());
}

static json_t *report_irqs(const struct guest_irqs *irqs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < irqs->count; i++) {
		const struct guest_irq *irq = &irqs->at[i];

		json_array_append_new(
		    list, json_pack("{s:i, s:o, s:o, s:o, s:b}", "irq", (int)irq->number, "device",
				    report_string(irq->device), "wanted", report_set(&irq->wanted),
				    "cpus", report_set(&irq->cpus), "moved", irq->moved));
	}
	return list;
}

json_t *report_guest(const struct guest_state *state)
{
	json_t *threads = json_array();

	for (size_t i = 0; i < state->threads.count; i++)
		json_array_append_new(threads, report_thread(state, &state->threads.at[i]));
	return json_pack(
	    "{s:o, s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "guest",
	    report_text(state->guest), "pid", (int)state->pid, "emulator",
	    report_text(state->emulator), "rule",
	    state->rule_file != NULL ? report_rule(state->rule_file, state->rule_line, state->glob)
				     : json_null(),
	    "verdict", verdict_name(state->verdict), "reason", report_text(state->reason.text),
	    "note", report_text(state->note.text), "wanted", report_wanted(state), "cpus",
	    report_set(&state->cpus), "threads", threads, "memory", report_pages(state), "irqs",
	    report_irqs(&state->irqs), "isolated",
	    state->irqs.isolate ? report_set(&state->irqs.isolated) : json_null());
}
