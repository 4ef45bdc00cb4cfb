import type { Framework } from "./framework.ts";

/** https://docs.haproxy.org/2.6/configuration.html */
export const haproxy: Framework = {
  name: "HAProxy",
  names: ["haproxy"],
  tried: "HAProxy 2.6.12",
  signs: [],
  comment: "#",
  policy: `http-request set-var(txn.cors) req.hdr(Origin) if { req.hdr(Origin) -m str {origin} }
http-request return status 204 if METH_OPTIONS { req.hdr(Access-Control-Request-Method) -m found } { var(txn.cors) -m found }
http-after-response set-header Access-Control-Allow-Origin %[var(txn.cors)] if { var(txn.cors) -m found }{if credentials}
http-after-response set-header Access-Control-Allow-Credentials true if { var(txn.cors) -m found }{end}{if method}
http-after-response set-header Access-Control-Allow-Methods "{methods}" if { var(txn.cors) -m found }{end}{if headers}
http-after-response set-header Access-Control-Allow-Headers "{headers}" if { var(txn.cors) -m found }{end}
http-after-response add-header Vary Origin
# HAProxy 2.2 or newer, at the top of the frontend; append further origins to the first line; set-header replaces what the application sends`,
  fixes: {
    one_layer: "{policy}",
  },
};
