import type { Framework } from "./framework.ts";

/** https://learn.microsoft.com/aspnet/core/security/cors */
export const aspNetCore: Framework = {
  name: "ASP.NET Core",
  names: ["aspnet", "dotnet"],
  tried: null,
  signs: [
    ["server", /^(?:Kestrel|Microsoft-IIS)\b/i],
    ["x-powered-by", /^ASP\.NET\b/i],
  ],
  comment: "//",
  policy: `builder.Services.AddCors(options => options.AddDefaultPolicy(policy => policy.WithOrigins("{origin}"){if method}.WithMethods({quoted_methods}){end}{if headers}.WithHeaders({quoted_headers}){end}{if credentials}.AllowCredentials(){end}));
app.UseCors();
// AddCors before builder.Build(); UseCors after UseRouting, before UseAuthentication, UseAuthorization and the endpoints`,
  fixes: {
    login: `builder.Services.ConfigureApplicationCookie(options => options.Events.OnRedirectToLogin = context =>
{
    context.Response.StatusCode = 401;
    return Task.CompletedTask;
});
// 401 instead of the redirect; with app.UseCors() before app.UseAuthentication()`,
    preflight_redirect: "call the final URL: app.UseHttpsRedirection() redirects preflights too",
  },
};
