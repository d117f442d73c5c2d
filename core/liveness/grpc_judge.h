/* The health of a gRPC service: the question's bytes, and the answer judged ("gRPC over HTTP2", Requests and Responses;
 * "GRPC Health Checking Protocol", grpc.health.v1.Health/Check). */
#ifndef TOCSIN_GRPC_JUDGE_H
#define TOCSIN_GRPC_JUDGE_H

#include "http_judge.h"

#define GRPC_HEALTH_PATH "/grpc.health.v1.Health/Check"
#define GRPC_SERVICE_MOST 200u /* bytes of a service's name */
#define GRPC_REQUEST_MOST (GRPC_SERVICE_MOST + 16u)

/* The body of a request; an empty name asks about the server as a whole. False: the name is too long. */
bool grpc_health_request(struct buffer *to, struct slice service);

/* Trailers as "Name: value" lines; where an answer has no body, gRPC's status stands in its headers. */
void grpc_judge(const struct http_answer *answer, struct slice body, struct slice trailers,
                struct liveness_report *report);

#endif
