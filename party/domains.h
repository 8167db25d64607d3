/* What the signatures and hashes of a party's objects are for: the domains given to
 * sign(), sign_verify() and hash_blake2b().  One place, as several folders need them.
 * SPDX-License-Identifier: MIT */
#ifndef PARTY_DOMAINS_H
#define PARTY_DOMAINS_H

/* Signatures. */
#define DOMAIN_FLOOD    "party.flood"  /* inner of a FLOOD, by its origin; also its id */
#define DOMAIN_GOSSIP   "party.gossip" /* the same, of what goes along the trees */
#define DOMAIN_REPLY    "party.reply"  /* inner of a REPLY, by who answers */
#define DOMAIN_ENTRY    "party.entry" /* inner of a LOG_ENTRY, by the host of its epoch */
#define DOMAIN_MANIFEST "party.manifest" /* a manifest, by the song's owner */
#define DOMAIN_GRANT    "party.grant" /* party, epoch (64 bit), host key, by a member */
#define DOMAIN_HANDOVER "party.handover" /* the same, by the host that resigns */

/* Hashes. */
#define DOMAIN_PARTY_ID "party.id"    /* 128 bit: founder's key, nonce */
#define DOMAIN_CHAIN    "party.chain" /* 256 bit: chain hash before, inner of the entry */
#define DOMAIN_PRIORITY "party.prio"  /* 256 bit: party, epoch (64 bit), node id */

#endif
