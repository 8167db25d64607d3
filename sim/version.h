/* What results say that they were made by.  SPDX-License-Identifier: MIT */
#ifndef SIM_VERSION_H
#define SIM_VERSION_H

#define SIM_VERSION "party-sim 0.2"

#endif
