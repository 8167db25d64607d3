/* A switch between network namespaces with a bad day: every frame is delayed, some are
 * lost, and a port may be slow.  For kernels without netem; needs the right to make
 * namespaces.
 *
 *   netswitch [--delay-ms D] [--jitter-ms J] [--tail-ms T] [--loss PERCENT]
 *             [--spikes PERCENT:MS] [--congestion AT_S:FOR_S:LEAST_MS:MOST_MS[:up|:down]]
 *             [--rate-mbit R] [--halves N] [--seed S]
 * NAMESPACE:DEVICE:ADDRESS/BITS[+cone|+wall] …
 *
 * What the weather is, weather.h says.  The congestion begins AT_S seconds after the
 * first frame, or after SIGUSR1, which also begins the counting of datagrams anew.
 *
 * SIGUSR2 cuts the first N ports from the others, and the next one joins them again.
 *
 * Behind +cone a machine is dialled in vain, unless it has just dialled the same port of
 * that machine from the same port of its own, as with a NAT that keeps ports; behind
 * +wall always.
 *
 * In each namespace it makes a TAP device with that address, and tells it the hardware
 * addresses of all others: the kernel's table of what ARP learnt is one for all
 * namespaces, and overflows with fifty of them.  A frame leaves by the port where its
 * destination was last seen, or by all others, never before one that came earlier by the
 * same way.  Prints "ready", runs until it is told to stop, and then tells what it did,
 * and how much later than drawn the frames left.  It asks for a real-time priority, and
 * does without.
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/system/weather.h"

#define PORTS_MAX 64
#define FRAME_MAX 2048
#define QUEUE_MAX 16384
#define MACS_MAX  256
#define SYNS_MAX  1024
#define LATE_US   2000 /* later than this is counted as this */
#define PRIORITY  20

enum guard { GUARD_NONE, GUARD_CONE, GUARD_WALL };

/* The first packet of a connection, as its ends: address and port of each. */
struct syn {
    uint8_t from[6];
    uint8_t to[6];
};

struct port {
    int fd;
    int ns; /* its namespace */
    char device[IFNAMSIZ];
    struct in_addr addr;
    enum guard guard;
    struct weather_nap nap;
    int64_t udp_bytes;          /* of frames with datagrams, sent and received */
    int64_t free_ns;            /* when the last frame has left it, at its rate */
    int64_t last_ns[PORTS_MAX]; /* of the last frame that came from that port */
};

struct frame {
    int64_t at_ns;
    uint64_t number; /* frames of one instant leave in the order that they came */
    int port;
    int len;
    uint8_t data[FRAME_MAX];
};

static struct {
    struct weather weather;
    double rate_mbit;
    int port_count;
    struct port ports[PORTS_MAX];
    int mac_count;
    struct {
        uint8_t mac[6];
        int port;
    } macs[MACS_MAX];
    int syn_next;
    struct syn syns[SYNS_MAX]; /* that left guarded ports, a ring */
    int first_half;            /* ports of it */
    bool is_cut;               /* from the others */
    int queued;
    struct frame *heap[QUEUE_MAX];
    uint64_t number;
    long long passed, lost, overflowed, guarded, cut;
    long long late[LATE_US + 1]; /* frames by how late they left, us */
} sw = { .weather = { .rng = 1 } };

static volatile sig_atomic_t is_over;
static volatile sig_atomic_t is_begun;
static volatile sig_atomic_t is_split;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        is_begun = 1;
    else if (number == SIGUSR2)
        is_split = 1;
    else
        is_over = 1;
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool is_before(const struct frame *a, const struct frame *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}

static void heap_push(struct frame *f)
{
    int i = sw.queued++;

    for (; i > 0 && is_before(f, sw.heap[(i - 1) / 2]); i = (i - 1) / 2)
        sw.heap[i] = sw.heap[(i - 1) / 2];
    sw.heap[i] = f;
}

static struct frame *heap_pop(void)
{
    struct frame *top = sw.heap[0];
    struct frame *last = sw.heap[--sw.queued];
    int i = 0;

    for (;;) {
        int child = 2 * i + 1;

        if (child + 1 < sw.queued && is_before(sw.heap[child + 1], sw.heap[child]))
            child++;
        if (child >= sw.queued || !is_before(sw.heap[child], last))
            break;
        sw.heap[i] = sw.heap[child];
        i = child;
    }
    sw.heap[i] = last;
    return top;
}

static void enqueue(int from, int to, const uint8_t *data, int len)
{
    struct port *p = &sw.ports[to];
    int64_t at = now_ns();
    struct frame *f;

    if (sw.is_cut && (from < sw.first_half) != (to < sw.first_half)) {
        sw.cut++;
        return;
    }
    if (weather_loses(&sw.weather)) {
        sw.lost++;
        return;
    }
    if (sw.queued == QUEUE_MAX) {
        sw.overflowed++;
        return;
    }
    if (sw.rate_mbit > 0) {
        if (p->free_ns < at)
            p->free_ns = at;
        p->free_ns += (int64_t)(len * 8 / sw.rate_mbit * 1000);
        at = p->free_ns;
    }
    at = weather_arrival_ns(&sw.weather, &p->nap, from, to, at);
    if (at < p->last_ns[from])
        at = p->last_ns[from];
    p->last_ns[from] = at;
    f = malloc(sizeof(*f));
    if (f == NULL)
        abort();
    f->at_ns = at;
    f->number = sw.number++;
    f->port = to;
    f->len = len;
    memcpy(f->data, data, (size_t)len);
    heap_push(f);
}

static void learn(const uint8_t *mac, int port)
{
    for (int i = 0; i < sw.mac_count; i++) {
        if (memcmp(sw.macs[i].mac, mac, 6) == 0) {
            sw.macs[i].port = port;
            return;
        }
    }
    if (sw.mac_count < MACS_MAX) {
        memcpy(sw.macs[sw.mac_count].mac, mac, 6);
        sw.macs[sw.mac_count++].port = port;
    }
}

static int port_of(const uint8_t *mac)
{
    for (int i = 0; i < sw.mac_count; i++) {
        if (memcmp(sw.macs[i].mac, mac, 6) == 0)
            return sw.macs[i].port;
    }
    return -1;
}

/* True for a TCP segment that dials: SYN without ACK. */
static bool read_syn(const uint8_t *frame, int len, struct syn *s)
{
    const uint8_t *ip = frame + 14;
    const uint8_t *tcp = ip + 4 * (ip[0] & 15);

    if (len < 14 + 40 || frame[12] != 8 || frame[13] != 0 || ip[9] != 6 ||
        tcp + 20 > frame + len || (tcp[13] & 0x12) != 2)
        return false;
    memcpy(s->from, ip + 12, 4);
    memcpy(s->from + 4, tcp, 2);
    memcpy(s->to, ip + 16, 4);
    memcpy(s->to + 4, tcp + 2, 2);
    return true;
}

static void note_syn(int port, const uint8_t *frame, int len)
{
    struct syn s;

    if (sw.ports[port].guard == GUARD_CONE && read_syn(frame, len, &s))
        sw.syns[sw.syn_next++ % SYNS_MAX] = s;
}

static bool is_guarded(const struct frame *f)
{
    enum guard guard = sw.ports[f->port].guard;
    struct syn s;

    if (guard == GUARD_NONE || !read_syn(f->data, f->len, &s))
        return false;
    for (int i = 0; guard == GUARD_CONE && i < SYNS_MAX; i++) {
        if (memcmp(sw.syns[i].from, s.to, sizeof(s.to)) == 0 &&
            memcmp(sw.syns[i].to, s.from, sizeof(s.from)) == 0)
            return false;
    }
    return true;
}

static bool is_udp(const uint8_t *frame, int len)
{
    return len >= 14 + 20 && frame[12] == 8 && frame[13] == 0 && frame[14 + 9] == 17;
}

static void take_frame(int from)
{
    uint8_t data[FRAME_MAX];
    ssize_t len = read(sw.ports[from].fd, data, sizeof(data));
    int to;

    if (len < 14)
        return;
    learn(data + 6, from);
    note_syn(from, data, (int)len);
    if (is_udp(data, (int)len))
        sw.ports[from].udp_bytes += len;
    to = port_of(data);
    for (int i = 0; i < sw.port_count; i++) {
        if (i != from && (to < 0 || to == i))
            enqueue(from, i, data, (int)len);
    }
}

static void count_late(int64_t late_ns)
{
    int64_t us = late_ns / 1000;

    sw.late[us < 0 ? 0 : us > LATE_US ? LATE_US : us]++;
}

/* So late, in us, were that many percent of the frames at most. */
static int late_us(double percent)
{
    long long all = 0;
    long long seen = 0;
    int us = 0;

    for (int i = 0; i <= LATE_US; i++)
        all += sw.late[i];
    while (us < LATE_US && (double)(seen += sw.late[us]) < (double)all * percent / 100)
        us++;
    return us;
}

static void release(void)
{
    while (sw.queued > 0 && sw.heap[0]->at_ns <= now_ns()) {
        struct frame *f = heap_pop();

        count_late(now_ns() - f->at_ns);
        if (is_udp(f->data, f->len))
            sw.ports[f->port].udp_bytes += f->len;
        if (is_guarded(f))
            sw.guarded++;
        else if (write(sw.ports[f->port].fd, f->data, (size_t)f->len) == f->len)
            sw.passed++;
        free(f);
    }
}

static void die(const char *what, const char *which)
{
    fprintf(stderr, "netswitch: %s %s: %s\n", what, which, strerror(errno));
    exit(1);
}

/* 02:00 and the IP address. */
static void hardware_of(const struct in_addr *addr, struct sockaddr *hardware)
{
    hardware->sa_family = ARPHRD_ETHER;
    hardware->sa_data[0] = 2;
    hardware->sa_data[1] = 0;
    memcpy(hardware->sa_data + 2, &addr->s_addr, 4);
}

static void set_address(struct port *p, const char *address, int bits)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = { .sin_family = AF_INET };
    struct ifreq r = { 0 };

    memcpy(r.ifr_name, p->device, sizeof(r.ifr_name));
    if (fd < 0 || inet_pton(AF_INET, address, &p->addr) != 1)
        die("address", address);
    hardware_of(&p->addr, &r.ifr_hwaddr);
    if (ioctl(fd, SIOCSIFHWADDR, &r) != 0)
        die("set hardware address of", p->device);
    a.sin_addr = p->addr;
    memcpy(&r.ifr_addr, &a, sizeof(a));
    if (ioctl(fd, SIOCSIFADDR, &r) != 0)
        die("set address of", p->device);
    a.sin_addr.s_addr = htonl(bits == 0 ? 0 : UINT32_MAX << (32 - bits));
    memcpy(&r.ifr_netmask, &a, sizeof(a));
    if (ioctl(fd, SIOCSIFNETMASK, &r) != 0)
        die("set netmask of", p->device);
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &r) != 0)
        die("bring up", p->device);
    close(fd);
}

static int enter(int ns)
{
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    if (home < 0 || setns(ns, CLONE_NEWNET) != 0)
        die("enter", "a namespace");
    return home;
}

static void leave(int home)
{
    if (setns(home, CLONE_NEWNET) != 0)
        die("enter", "the namespace that we came from");
    close(home);
}

/* Tell a port who all the others are. */
static void introduce(const struct port *p)
{
    int home = enter(p->ns);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    for (int i = 0; i < sw.port_count; i++) {
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = sw.ports[i].addr };
        struct arpreq r = { .arp_flags = ATF_PERM | ATF_COM };

        if (&sw.ports[i] == p)
            continue;
        memcpy(&r.arp_pa, &a, sizeof(a));
        hardware_of(&a.sin_addr, &r.arp_ha);
        memcpy(r.arp_dev, p->device, sizeof(r.arp_dev));
        if (ioctl(fd, SIOCSARP, &r) != 0)
            die("introduce the others to", p->device);
    }
    close(fd);
    leave(home);
}

/* One port: NAMESPACE:DEVICE:ADDRESS/BITS, and what guards it. */
static void open_port(char *spec)
{
    char *name = strtok(spec, ":");
    char *device = strtok(NULL, ":");
    char *address = strtok(NULL, "/");
    char *bits = strtok(NULL, "");
    struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    struct port *p = &sw.ports[sw.port_count];
    char path[256];
    int home;

    if (bits == NULL || sw.port_count == PORTS_MAX) {
        fprintf(stderr, "netswitch: a port is NAMESPACE:DEVICE:ADDRESS/BITS\n");
        exit(2);
    }
    snprintf(path, sizeof(path), "/var/run/netns/%s", name);
    snprintf(p->device, sizeof(p->device), "%s", device);
    p->ns = open(path, O_RDONLY | O_CLOEXEC);
    if (p->ns < 0)
        die("namespace", name);
    home = enter(p->ns);
    p->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    memcpy(r.ifr_name, p->device, sizeof(r.ifr_name));
    if (p->fd < 0 || ioctl(p->fd, TUNSETIFF, &r) != 0)
        die("TAP device", device);
    if (strchr(bits, '+') != NULL)
        p->guard = strcmp(strchr(bits, '+'), "+cone") == 0 ? GUARD_CONE : GUARD_WALL;
    set_address(p, address, atoi(bits));
    leave(home);
    sw.port_count++;
}

static bool take_option(const char *name, const char *value)
{
    if (weather_take_option(&sw.weather, name, value))
        return true;
    if (value == NULL)
        return false;
    if (strcmp(name, "--rate-mbit") == 0)
        sw.rate_mbit = atof(value);
    else if (strcmp(name, "--halves") == 0)
        sw.first_half = atoi(value);
    else
        return false;
    return true;
}

/* The switch is to be on time, whatever else the machine does. */
static void ask_for_realtime(void)
{
    struct sched_param p = { .sched_priority = PRIORITY };

    (void)sched_setscheduler(0, SCHED_FIFO, &p);
    (void)prctl(PR_SET_TIMERSLACK, 1);
}

static void begin_anew(void)
{
    sw.weather.start_ns = now_ns();
    for (int i = 0; i < sw.port_count; i++)
        sw.ports[i].udp_bytes = 0;
}

static void report(void)
{
    double seconds = (double)(now_ns() - sw.weather.start_ns) / 1e9;
    int64_t most = 0;

    for (int i = 0; i < sw.port_count; i++)
        most = sw.ports[i].udp_bytes > most ? sw.ports[i].udp_bytes : most;
    printf("passed %lld, lost %lld, overflowed %lld, guarded %lld, cut %lld\n", sw.passed,
           sw.lost, sw.overflowed, sw.guarded, sw.cut);
    printf("late by p50 %d us, p99 %d us, p99.9 %d us\n", late_us(50), late_us(99),
           late_us(99.9));
    printf("datagrams of the busiest port: %.0f bytes/s\n",
           sw.weather.start_ns == 0 ? 0 : (double)most / seconds);
}

static void run(void)
{
    struct pollfd fds[PORTS_MAX];

    for (int i = 0; i < sw.port_count; i++)
        fds[i] = (struct pollfd){ .fd = sw.ports[i].fd, .events = POLLIN };
    while (!is_over) {
        int64_t wait = sw.queued > 0 ? sw.heap[0]->at_ns - now_ns() : 1000 * NS_PER_MS;
        struct timespec t = { wait / 1000000000, wait % 1000000000 };

        if (wait < 0)
            t = (struct timespec){ 0 };
        if (ppoll(fds, (nfds_t)sw.port_count, &t, NULL) > 0) {
            for (int i = 0; i < sw.port_count; i++) {
                if (fds[i].revents & POLLIN)
                    take_frame(i);
            }
        }
        release();
        if (is_begun) {
            is_begun = 0;
            begin_anew();
        }
        if (is_split) {
            is_split = 0;
            sw.is_cut = !sw.is_cut;
        }
    }
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_signal };

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            if (!take_option(argv[i], argv[i + 1])) {
                fprintf(stderr, "netswitch: %s: no such option, or a bad value\n",
                        argv[i]);
                return 2;
            }
            i++;
        } else {
            open_port(argv[i]);
        }
    }
    if (sw.port_count < 2) {
        fprintf(stderr, "netswitch: fewer than two ports\n");
        return 2;
    }
    for (int i = 0; i < sw.port_count; i++)
        introduce(&sw.ports[i]);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    ask_for_realtime();
    puts("ready");
    fflush(stdout);
    run();
    report();
    return 0;
}
