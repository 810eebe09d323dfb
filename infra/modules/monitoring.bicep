// Logs and traces: a Log Analytics workspace, Application Insights on it, and the connection by
// which Foundry gives its agents APPLICATIONINSIGHTS_CONNECTION_STRING.

@description('Region of the workspace.')
param location string
@description('Tags of all resources.')
param tags object
@description('What makes names unique.')
param token string
@description('How long data is kept, in days.')
param retentionDays int
@description('Name of the Foundry account.')
param accountName string
@description('Name of its project.')
param projectName string

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
  }
}

resource account 'Microsoft.CognitiveServices/accounts@2025-04-01-preview' existing = {
  name: accountName
}

resource project 'Microsoft.CognitiveServices/accounts/projects@2025-04-01-preview' existing = {
  parent: account
  name: projectName
}

// The one connection of the platform that is not by identity: what it calls a key is the
// connection string, which lets its holder write telemetry and read nothing.
resource connection 'Microsoft.CognitiveServices/accounts/projects/connections@2025-04-01-preview' = {
  parent: project
  name: '${insights.name}-conn'
  properties: {
    category: 'AppInsights'
    target: insights.id
    authType: 'ApiKey'
    isSharedToAll: true
    credentials: {
      key: insights.properties.ConnectionString
    }
    metadata: {
      ApiType: 'Azure'
      ResourceId: insights.id
    }
  }
}
