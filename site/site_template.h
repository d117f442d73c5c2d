/* The settings that a new site begins with: they run as they are on Debian, with rsyslog and without. */
#ifndef TOCSIN_SITE_TEMPLATE_H
#define TOCSIN_SITE_TEMPLATE_H

#include "fault.h"

/* Each writes SITE/NAME.yaml; one that is there stays as it is. */
bool site_template_agent(const char *site, const char *collector, struct fault *fault);
bool site_template_collector(const char *site, const char *listen, struct fault *fault);

/* One more collector for an agent that has its settings: a file of its own in agent.d. */
bool site_template_collector_too(const char *site, const char *collector, struct fault *fault);

#endif
