/* The least that a server on epoll can be: it answers each line in capital letters.
 *
 *     epoll tcp | epoll udp     prints the address and serves until it is ended
 *
 * Level-triggered, one buffer for each connection, an answer is written at once. A peer
 * that does not read its answers is closed, which no peer of the benchmark does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 4096, EVENTS = 256 };

struct conn {
    int fd;
    size_t used;
    char data[];
};

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void upper(char *data, size_t length) {
    for (size_t at = 0; at < length; at++)
        if (data[at] >= 'a' && data[at] <= 'z') data[at] -= 'a' - 'A';
}

static int listening(int type) {
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, size) < 0) die("bind");
    if (type == SOCK_STREAM && listen(fd, 4096) < 0) die("listen");
    getsockname(fd, (struct sockaddr *)&addr, &size);
    printf("listening on 127.0.0.1:%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return fd;
}

static void datagrams(int fd) {
    static char data[65536];
    for (;;) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t length =
            recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &size);
        if (length < 0) continue;
        upper(data, length);
        sendto(fd, data, length, 0, (struct sockaddr *)&from, size);
    }
}

/* Answers the whole lines that are there; whether the connection goes on. */
static int turn(struct conn *conn) {
    ssize_t length =
        recv(conn->fd, conn->data + conn->used, ROOM - conn->used, MSG_DONTWAIT);
    if (length <= 0) return 0;
    conn->used += length;
    char *last = memrchr(conn->data, '\n', conn->used);
    if (!last) return conn->used < ROOM;
    size_t whole = last + 1 - conn->data;
    upper(conn->data, whole);
    if (send(conn->fd, conn->data, whole, MSG_DONTWAIT | MSG_NOSIGNAL) !=
        (ssize_t)whole)
        return 0;
    memmove(conn->data, conn->data + whole, conn->used - whole);
    conn->used -= whole;
    return 1;
}

static void streams(int listener) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN}, events[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int at = 0; at < count; at++) {
            struct conn *conn = events[at].data.ptr;
            if (conn) {
                if (!turn(conn)) {
                    close(conn->fd);
                    free(conn);
                }
                continue;
            }
            int fd = accept4(listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) continue;
            int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            conn = malloc(sizeof *conn + ROOM);
            conn->fd = fd;
            conn->used = 0;
            event.data.ptr = conn;
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
    }
}

int main(int argc, char **argv) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (argc == 2 && !strcmp(argv[1], "udp")) datagrams(listening(SOCK_DGRAM));
    streams(listening(SOCK_STREAM));
}
