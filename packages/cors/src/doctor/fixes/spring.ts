import type { Framework } from "./framework.ts";

/** https://docs.spring.io/spring-framework/reference/web/webmvc-cors.html */
export const spring: Framework = {
  name: "Spring",
  names: ["spring", "spring-boot", "spring-mvc"],
  tried: null,
  // Spring Security sends this by default.
  signs: [["cache-control", /^no-cache, no-store, max-age=0, must-revalidate$/]],
  comment: "//",
  policy: `@Bean
WebMvcConfigurer cors() {
  return new WebMvcConfigurer() {
    @Override
    public void addCorsMappings(CorsRegistry registry) {
      registry.addMapping("/**").allowedOrigins("{origin}"){if method}.allowedMethods({quoted_methods}){end}{if headers_refused}.allowedHeaders({quoted_headers}){end}{if credentials}.allowCredentials(true){end};
    }
  };
}
// in a @Configuration class; Spring Security also needs http.cors(Customizer.withDefaults()), which comes before the login`,
  fixes: {
    login: `http.exceptionHandling(handling -> handling.authenticationEntryPoint(new HttpStatusEntryPoint(HttpStatus.UNAUTHORIZED)));
// in the SecurityFilterChain: 401 instead of the redirect; with http.cors(Customizer.withDefaults())`,
    one_layer:
      "in one place only; Spring Cloud Gateway has the filter\nDedupeResponseHeader=Access-Control-Allow-Origin Access-Control-Allow-Credentials, RETAIN_UNIQUE",
  },
};
