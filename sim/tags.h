/* Cryptography for very many nodes: keyed tags of the same lengths as the real keys,
 * hashes, signatures and frames, and handshakes of the same three messages, made by a
 * 64-bit multiply in place of ciphers.
 *
 * It guards against accidents and against the attackers that an experiment writes, not
 * against an enemy: whoever knows this file can forge anything, and nothing is hidden.
 * What is flipped, cut, repeated, taken from another link, or signed by another node is
 * refused as the real suite would refuse it.  Never part of a shipped program.
 * Source: the folded multiply of wyhash.  SPDX-License-Identifier: MIT */
#ifndef SIM_TAGS_H
#define SIM_TAGS_H

#include "secure/suite.h"

#define TAGS_SESSION_MAX 48 /* bytes of an open link */

extern const struct suite suite_tags;

#endif
