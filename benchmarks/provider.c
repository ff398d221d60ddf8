/* A provider that plays prepared answers over HTTP/1.1, cheap enough to share a core with the load.
 *
 *     provider PLAYS     prints its port on 127.0.0.1, then serves until it is ended
 *
 * PLAYS is what benchmarks/plays.py writes: big-endian 32-bit numbers and bytes, for each play
 *     length and bytes of its mark; microseconds between pieces; number of pieces; length and bytes of each piece.
 * The first play whose mark stands in a request answers it. A piece is one write: with an interval each waits for its
 * moment, without one every connection gets one piece in turn, as a provider that flushes each event would do.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 8192, MOST_PLAYS = 64, READ = 1 << 18 };

struct play {
    const char *mark;
    uint32_t mark_length, interval, pieces;
    const char **piece;
    uint32_t *length;
};

struct connection {
    int fd;
    char *in;
    size_t held, room;
    const struct play *play; /* being answered, or NULL */
    uint32_t next;           /* piece to send */
    size_t sent;             /* bytes of it that are out */
    int blocked;             /* waits until the socket takes more */
    int64_t due;
    int place; /* in the list of those that are being answered */
};

static struct play plays[MOST_PLAYS];
static int play_count;
static struct connection *answering[MOST_CONNECTIONS];
static int answering_count;
static int poller;

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint32_t number(const char **at) {
    uint32_t value;
    memcpy(&value, *at, 4);
    *at += 4;
    return ntohl(value);
}

static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *all = malloc(size);
    if (!all || fread(all, 1, size, file) != (size_t)size) fail(path);
    fclose(file);
    for (const char *at = all; at < all + size && play_count < MOST_PLAYS; play_count++) {
        struct play *play = &plays[play_count];
        play->mark_length = number(&at);
        play->mark = at;
        at += play->mark_length;
        play->interval = number(&at);
        play->pieces = number(&at);
        play->piece = calloc(play->pieces, sizeof *play->piece);
        play->length = calloc(play->pieces, sizeof *play->length);
        for (uint32_t i = 0; i < play->pieces; i++) {
            play->length[i] = number(&at);
            play->piece[i] = at;
            at += play->length[i];
        }
    }
}

static void watch(struct connection *c, uint32_t events, int how) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    epoll_ctl(poller, how, c->fd, &event);
}

static void leave_list(struct connection *c) {
    if (!c->play) return;
    answering[c->place] = answering[--answering_count];
    answering[c->place]->place = c->place;
    c->play = NULL;
}

static void drop(struct connection *c) {
    leave_list(c);
    close(c->fd);
    free(c->in);
    free(c);
}

/* Sends one piece; 0 where the connection is gone. */
static int send_piece(struct connection *c) {
    const struct play *play = c->play;
    while (c->sent < play->length[c->next]) {
        ssize_t n = send(c->fd, play->piece[c->next] + c->sent, play->length[c->next] - c->sent, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!c->blocked) watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            c->blocked = 1;
            return 1;
        }
        if (n < 0) return 0;
        c->sent += n;
    }
    if (c->blocked) watch(c, EPOLLIN, EPOLL_CTL_MOD);
    c->blocked = 0;
    c->sent = 0;
    c->due += play->interval;
    if (++c->next == play->pieces) leave_list(c);
    return 1;
}

/* Length of the whole request in the buffer, 0 while it is not whole. */
static size_t whole(struct connection *c) {
    char *end = memmem(c->in, c->held, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = end - c->in + 4, body = 0;
    for (char *line = c->in; line < end;) {
        char *stop = memchr(line, '\n', end + 4 - line);
        if (!strncasecmp(line, "content-length:", 15)) body = strtoul(line + 15, NULL, 10);
        if (!strncasecmp(line, "transfer-encoding:", 18)) {
            char *last = memmem(end, c->held - (end - c->in), "\r\n0\r\n\r\n", 7);
            return last ? (size_t)(last - c->in) + 7 : 0;
        }
        line = stop + 1;
    }
    return c->held >= head + body ? head + body : 0;
}

static const struct play *choose(const char *request, size_t length) {
    for (int i = 0; i < play_count; i++)
        if (memmem(request, length, plays[i].mark, plays[i].mark_length)) return &plays[i];
    return NULL;
}

/* Reads what has come and begins an answer; 0 where the connection is gone. */
static int take(struct connection *c) {
    if (c->room - c->held < READ) {
        c->room = c->room * 2 + READ;
        c->in = realloc(c->in, c->room);
        if (!c->in) fail("memory");
    }
    ssize_t n = recv(c->fd, c->in + c->held, c->room - c->held, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
    if (n <= 0) return 0;
    c->held += n;
    size_t length = whole(c);
    if (!length || c->play) return 1;
    const struct play *play = choose(c->in, length);
    memmove(c->in, c->in + length, c->held - length);
    c->held -= length;
    if (c->held == 0 && c->room > 4 * READ) {
        free(c->in);
        c->in = NULL;
        c->room = 0;
    }
    if (!play) {
        static const char none[] = "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        return send(c->fd, none, sizeof none - 1, MSG_NOSIGNAL) > 0;
    }
    if (answering_count == MOST_CONNECTIONS) return 0;
    c->play = play;
    c->next = 0;
    c->sent = 0;
    c->due = now_us();
    c->place = answering_count;
    answering[answering_count++] = c;
    return send_piece(c);
}

static void join(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        c->fd = fd;
        watch(c, EPOLLIN, EPOLL_CTL_ADD);
    }
}

/* Sends what is due; returns whether some connection could take more at once. */
static int play_on(void) {
    int64_t now = now_us();
    int busy = 0;
    for (int i = answering_count - 1; i >= 0; i--) {
        struct connection *c = answering[i];
        if (c->blocked || c->due > now) continue;
        if (!send_piece(c)) drop(c);
        else if (c->play && !c->blocked && c->due <= now) busy = 1;
    }
    return busy;
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    load(arguments[1]);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, found[256];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (int busy = 0;;) {
        int n = epoll_wait(poller, found, 256, busy ? 0 : answering_count ? 1 : -1);
        for (int i = 0; i < n; i++) {
            struct connection *c = found[i].data.ptr;
            if (!c) {
                join(listener);
                continue;
            }
            int lives = 1;
            if (found[i].events & EPOLLOUT && c->play) lives = send_piece(c);
            if (lives && found[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) lives = take(c);
            if (!lives) drop(c);
        }
        busy = play_on();
    }
}
