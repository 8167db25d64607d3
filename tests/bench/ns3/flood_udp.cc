/* The FLOOD of tests/bench/bench_engine.c over ns-3's UDP and IPv4 on point-to-point links
 * without queue discs: what a simulator with a real network stack costs for each packet.
 * Latency is a link's own (10 to 200 ms, drawn once), as a link must keep its order.
 *
 *     ns3_flood_udp NODES [FLOODS]
 *
 * Prints: nodes deliveries cpu_s deliveries_per_s bytes_per_node reached.
 * SPDX-License-Identifier: MIT */
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <sys/resource.h>
#include <vector>

#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

using namespace ns3;

static const uint32_t PICKS = 4;
static const uint16_t PORT = 4747;
static const uint32_t SIZE = 64;
static const int64_t PERIOD_NS = 10000000000;

struct Peer {
    Ptr<Socket> socket;
    std::vector<Ipv4Address> edges;
    uint32_t seen = 0;
};

static std::vector<Peer> peers;
static uint64_t state = 1;
static int64_t deliveries;
static int64_t reached;

static uint64_t draw()
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)(((unsigned __int128)draw() * n) >> 64);
}

static void forward(uint32_t self, Ipv4Address not_to, uint32_t flood)
{
    uint8_t body[SIZE] = { (uint8_t)(flood >> 24), (uint8_t)(flood >> 16),
                           (uint8_t)(flood >> 8), (uint8_t)flood };

    for (const Ipv4Address &to : peers[self].edges) {
        if (to != not_to)
            peers[self].socket->SendTo(Create<Packet>(body, SIZE), 0,
                                       InetSocketAddress(to, PORT));
    }
}

static void receive(uint32_t self, Ptr<Socket> socket)
{
    Address from;
    Ptr<Packet> packet;

    while ((packet = socket->RecvFrom(from)) != nullptr) {
        uint8_t head[4];
        uint32_t flood;

        packet->CopyData(head, 4);
        flood = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 |
                (uint32_t)head[2] << 8 | head[3];
        deliveries++;
        if (peers[self].seen >= flood)
            continue;
        peers[self].seen = flood;
        reached++;
        forward(self, InetSocketAddress::ConvertFrom(from).GetIpv4(), flood);
    }
}

static void begin(uint32_t flood, uint32_t floods)
{
    uint32_t origin = below((uint32_t)peers.size());

    peers[origin].seen = flood;
    reached++;
    forward(origin, Ipv4Address(), flood);
    if (flood < floods)
        Simulator::Schedule(NanoSeconds(PERIOD_NS), &begin, flood + 1, floods);
}

/* One link with two addresses of its own; the helper that hands out addresses is quadratic. */
static void connect(NodeContainer &nodes, PointToPointHelper &link, uint32_t a, uint32_t b,
                    uint32_t number)
{
    uint32_t base = 0x0a000000u + number * 4;
    NetDeviceContainer devices;

    link.SetChannelAttribute("Delay", TimeValue(NanoSeconds(10000000 + below(190000000))));
    devices = link.Install(nodes.Get(a), nodes.Get(b));
    for (uint32_t end = 0; end < 2; end++) {
        Ptr<Ipv4> ip = nodes.Get(end == 0 ? a : b)->GetObject<Ipv4>();
        uint32_t interface = ip->AddInterface(devices.Get(end));

        ip->AddAddress(interface, Ipv4InterfaceAddress(Ipv4Address(base + 1 + end),
                                                       Ipv4Mask("255.255.255.252")));
        ip->SetUp(interface);
    }
    peers[a].edges.push_back(Ipv4Address(base + 2));
    peers[b].edges.push_back(Ipv4Address(base + 1));
}

static double cpu_s()
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000;
    uint32_t floods = argc > 2 ? (uint32_t)atoi(argv[2]) : 10;
    NodeContainer nodes;
    PointToPointHelper link;
    InternetStackHelper stack;
    uint32_t number = 0;
    struct rusage r;
    double begun;
    double took;

    nodes.Create(count);
    peers.resize(count);
    stack.SetIpv6StackInstall(false);
    stack.Install(nodes);
    link.DisableFlowControl();
    link.SetDeviceAttribute("DataRate", StringValue("100Mbps"));
    for (uint32_t i = 0; i < count; i++) {
        peers[i].socket = Socket::CreateSocket(
            nodes.Get(i), TypeId::LookupByName("ns3::UdpSocketFactory"));
        peers[i].socket->Bind(InetSocketAddress(Ipv4Address::GetAny(), PORT));
        peers[i].socket->SetRecvCallback(MakeBoundCallback(&receive, i));
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < PICKS; k++) {
            uint32_t other = below(count);

            if (other != i)
                connect(nodes, link, i, other, number++);
        }
    }
    Simulator::SetScheduler(ObjectFactory("ns3::PriorityQueueScheduler"));
    Simulator::Schedule(Seconds(1), &begin, 1u, floods);
    begun = cpu_s();
    Simulator::Stop(Seconds(1 + 10 * (double)floods));
    Simulator::Run();
    took = cpu_s() - begun;
    Simulator::Destroy();
    getrusage(RUSAGE_SELF, &r);
    printf("%u %lld %.3f %.0f %lld %.6f\n", count, (long long)deliveries, took,
           (double)deliveries / took, (long long)r.ru_maxrss * 1024 / count,
           (double)reached / ((double)count * floods));
    return 0;
}
