/* The parts of a world as MPI ranks: one for each process, its nodes and packets nowhere
 * else.  Every rank runs the same experiment; what it does to a node of another rank does
 * nothing.  SPDX-License-Identifier: MIT */
#ifndef SIM_MPI_EXCHANGE_MPI_H
#define SIM_MPI_EXCHANGE_MPI_H

#include "sim/exchange.h"

/* After MPI_Init. */
struct exchange *exchange_mpi(void);

#endif
