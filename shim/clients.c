#include "clients.h"
#include "agent.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

size_t clients_in(const struct clients *clients, enum client_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < clients->count; i++)
		count += clients->at[i].state == state;
	return count;
}

bool client_is_held(const struct client *client)
{
	return client->state == CLIENT_SILENT || client->state == CLIENT_WAITS;
}

/* Starts a process that holds all that is open here until `pipe` is closed. Returns its pid. */
static pid_t holder_start(const int pipe[2])
{
	pid_t pid = fork();
	char byte;

	if (pid != 0)
		return pid;
	if (close(pipe[1]) == 0) /* or it would wait for itself */
		(void)!read(pipe[0], &byte, 1);
	_exit(0);
}

/*
 * Whether nothing that the client has sent is left unread, nor can be sent any more. A packet that
 * is empty, and may bring files all the same, is told from none by the sender's credentials, for
 * which there is no room (MSG_CTRUNC in recvmsg(2); unix(7)).
 */
static bool client_is_quiet(const struct client *client)
{
	struct msghdr message = {0};
	int on = 1;

	return shutdown(client->fd, SHUT_RD) == 0 &&
	       setsockopt(client->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0 &&
	       recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_PEEK) == 0 &&
	       message.msg_flags == 0;
}

/* Closes those that are done with; else those of them that are quiet. */
static void clients_close(struct clients *clients, bool all)
{
	size_t kept = 0;

	for (size_t i = 0; i < clients->count; i++) {
		const struct client *client = &clients->at[i];

		if (client->state == CLIENT_DONE && (all || client_is_quiet(client)))
			close(client->fd);
		else
			clients->at[kept++] = *client;
	}
	clients->count = kept;
}

/*
 * What a client has sent and nobody has read is dropped by whoever closes last, with the files
 * that it may have sent along; and to drop a TCP socket with SO_LINGER can take as long as the
 * client likes, but not at the end of a process (tcp(7); inet_release in the kernel). So
 * another process closes last, by ending, where there is such. Without one they stay until the
 * next turn.
 */
void clients_sweep(struct clients *clients)
{
	int hold[2];

	clients_close(clients, false);
	if (clients_in(clients, CLIENT_DONE) == 0 || pipe2(hold, O_CLOEXEC) < 0)
		return;
	if (holder_start(hold) > 0)
		clients_close(clients, true);
	close(hold[0]);
	close(hold[1]);
}

bool clients_are_alike(const struct client *client, const struct client *other)
{
	return strcmp(client->cgroup.path, other->cgroup.path) == 0;
}

void client_answer(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void client_drop(struct client *client)
{
	if (client->state == CLIENT_WAITS)
		client_answer(client->fd,
			      AGENT_REFUSED "the agent is busy with other requests from the "
					    "same cgroup");
	client->state = CLIENT_DONE;
}

void clients_add(struct clients *clients, const struct client *client)
{
	struct client *oldest = NULL;
	struct client *oldest_like = NULL;
	size_t held = 0;
	size_t like = 0;

	for (size_t i = clients->count; i-- > 0;) {
		struct client *other = &clients->at[i];

		if (!client_is_held(other))
			continue;
		oldest = other;
		held++;
		if (clients_are_alike(client, other)) {
			oldest_like = other;
			like++;
		}
	}
	if (client_is_held(client)) {
		if (like >= SERVER_HELD_SHARE)
			client_drop(oldest_like);
		else if (held >= SERVER_HELD_MAX)
			client_drop(oldest);
	}
	clients->at[clients->count++] = *client;
}
